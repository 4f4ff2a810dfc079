import { type EventStore, StoreUnavailable, Upcasters } from '#eventsourcing';
import { unavailable } from '#postgres';
import type { BuildEnd, BuildOrder } from './build-process.js';
import { type Filled, Filling } from './filling.js';
import type { Projection } from './projection.js';
import { SharedReading } from './shared-reading.js';

export interface BuildTools {
  readonly store: EventStore;
  /** Of the database of the read models. */
  readonly url: string;
}

/**
 * Builds what the `BuildProcess` that made this process asks for, each projection on a connection of its own, until
 * the parent ends it, or is gone. Called before anything is awaited, for messages come from the beginning.
 * @param open makes the tools of what the parent sends first; where it fails, the process ends
 */
export function buildForParent(
  projections: readonly Projection[],
  open: (options: unknown) => Promise<BuildTools>,
): void {
  // Whoever asks all processes of a service to end asks the parent too, which knows when.
  process.on('SIGTERM', () => undefined);
  process.once('disconnect', () => process.exit());
  process.once('message', (options: unknown) => {
    const builds = open(options).then(
      ({ store, url }) => new Builds(projections, new SharedReading(store), url),
    );
    process.on('message', (order: BuildOrder) => {
      void builds.then((all) => all.take(order));
    });
  });
}

class Builds {
  private readonly stopping = new Map<number, AbortController>();

  constructor(
    private readonly projections: readonly Projection[],
    private readonly reading: SharedReading,
    private readonly url: string,
  ) {}

  async take(order: BuildOrder): Promise<void> {
    if ('stop' in order) {
      this.stopping.get(order.stop)?.abort();
      return;
    }
    const { build, projection } = order;
    const stopping = new AbortController();
    this.stopping.set(build, stopping);
    const end = await this.built(projection, stopping.signal);
    this.stopping.delete(build);
    process.send?.({ build, ...end } satisfies BuildEnd);
  }

  private async built(name: string, signal: AbortSignal): Promise<Omit<BuildEnd, 'build'>> {
    try {
      const projection = this.projections.find((one) => one.name === name);
      if (projection === undefined) throw new Error(`nobody here can build ${name}`);
      const filled = await filledBy(new Filling(projection, this.reading, this.url, new Upcasters()), signal);
      return filled === undefined ? {} : { filled };
    } catch (error) {
      if (signal.aborted) return {};
      const reason = unavailable(error);
      const message = reason instanceof Error ? reason.message : String(reason);
      return { failed: { message, unavailable: reason instanceof StoreUnavailable } };
    }
  }
}

/** Its connection ends with it, and the lock of the build with that. */
async function filledBy(filling: Filling, signal: AbortSignal): Promise<Filled | undefined> {
  const client = filling.client();
  client.on('error', () => undefined); // told by its statements
  try {
    await client.connect();
    await filling.prepare(client);
    return await filling.fill(client, signal, 'background');
  } finally {
    await client.end().catch(() => undefined);
  }
}
