import { setTimeout as pause } from 'node:timers/promises';
import { Causation, servicePrincipal, StoreUnavailable, uuidv7 } from '#eventsourcing';

const retryMs = 200;

/** For whom and as a part of which work the service acts. */
export interface OnBehalf {
  readonly project: string;
  readonly correlationId: string;
}

/** Carries out a command of the service's own, exactly once, as soon as the store can be reached. */
export async function insist<T>(
  { project, correlationId }: OnBehalf,
  command: (causation: Causation) => Promise<T>,
): Promise<T> {
  const seed = { id: uuidv7(), at: Date.now(), recovering: false };
  for (;;) {
    try {
      return await command(new Causation(servicePrincipal(project), { seed, correlationId }));
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      seed.recovering = true;
      await pause(retryMs);
    }
  }
}
