import type { RecordedEvent } from './event.js';
import { derivedUuid, derivedUuidv7, uuidv7 } from './ids.js';

export type Role = 'viewer' | 'user' | 'worker' | 'auditor' | 'operator' | 'admin';

/** Who calls: a key or a token, with its project, user and role. */
export interface Principal {
  readonly principalId: string;
  readonly projectId: string;
  readonly userId: string;
  readonly role: Role;
  /** RFC 3339, when its token ends. A key has none: its own stream tells. */
  readonly until?: string;
}

/** What identifies one command from its arrival on; kept so that the command can be run again after a crash. */
export interface CommandSeed {
  /** Id of the command, and `$causationId` of all its events. */
  readonly id: string;
  /** When it first arrived, in milliseconds since 1970. */
  readonly at: number;
  /** True when an earlier attempt may have stored its events already. */
  readonly recovering: boolean;
}

/**
 * One command being carried out: by whom, when, and because of what. Its clock stands still and the
 * ids it mints depend on nothing but the seed, so the same command run again makes the same events.
 */
export class Causation {
  readonly id: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  readonly milliseconds: number;
  readonly recovering: boolean;
  private minted = 0;

  constructor(
    readonly principal: Principal,
    readonly options: {
      readonly seed?: CommandSeed;
      readonly correlationId?: string;
      readonly traceparent?: string;
    } = {},
  ) {
    const { seed } = options;
    this.id = seed?.id ?? uuidv7();
    this.milliseconds = seed?.at ?? Date.now();
    this.recovering = seed?.recovering ?? false;
    this.at = new Date(this.milliseconds).toISOString();
  }

  /** A new id for a resource that this command makes. */
  mint(): string {
    return this.options.seed
      ? derivedUuidv7(this.milliseconds, this.id, String(this.minted++))
      : uuidv7(this.milliseconds);
  }

  /** The id of the event that this command appends to a stream as this revision. */
  eventId(stream: string, revision: number): string {
    return this.options.seed ? derivedUuid(this.id, stream, String(revision)) : uuidv7(this.milliseconds);
  }
}

const service = derivedUuid('runledger', 'service');

/** The service itself, at work in a project. */
export const servicePrincipal = (projectId: string): Principal => ({
  principalId: service,
  projectId,
  userId: service,
  role: 'operator',
});

/** What the service itself does because time has passed. */
export const byService = (projectId: string): Causation => new Causation(servicePrincipal(projectId));

/**
 * What the service itself does because of an event. It mints the same event ids whenever it reacts to
 * the same event.
 */
export function reactionTo({ id, metadata }: RecordedEvent): Causation {
  return new Causation(servicePrincipal(metadata.project), {
    seed: { id, at: Date.now(), recovering: false },
    correlationId: metadata.$correlationId,
  });
}

/**
 * The command that stored an event, carried on in place of its writer: what it still makes, it makes at the
 * time, in the name and for the cause that the command has.
 */
export function continuationOf({ metadata }: RecordedEvent): Causation {
  return new Causation(
    { ...servicePrincipal(metadata.project), principalId: metadata.actor },
    {
      seed: { id: metadata.$causationId, at: Date.parse(metadata.at), recovering: false },
      correlationId: metadata.$correlationId,
      ...(metadata.traceparent !== undefined && { traceparent: metadata.traceparent }),
    },
  );
}
