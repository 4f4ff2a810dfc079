import { setTimeout as pause } from 'node:timers/promises';
import type { NewEvent, RecordedEvent } from './event.js';
import { type Batch, type EventStore, StoreUnavailable } from './event-store.js';
import { uuidv7 } from './ids.js';

export interface EventStoreHarness {
  readonly store: EventStore;
  /** A second client of the same store. */
  another(): Promise<EventStore>;
  /** Cuts all connections of all clients; the store itself stays, or comes back by itself. */
  breakConnections(): Promise<void>;
  close(): Promise<void>;
}

export type Opened = () => EventStoreHarness;

export const streamName = (kind = 'contract'): string => `${kind}-${uuidv7()}`;

/** A prefix that only the streams of one test have. */
export const onlyPrefix = (): string => `only${uuidv7().replaceAll('-', '')}-`;

export const newEvent = (data: object = {}, type = 'Happened'): NewEvent => ({
  id: uuidv7(),
  type,
  data,
  metadata: {
    $correlationId: 'correlation',
    $causationId: 'causation',
    actor: 'contract',
    project: 'default',
    at: '2026-01-02T03:04:05.678Z',
  },
});

export const newEvents = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, n) => newEvent({ n }));

export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

export const ids = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id);

/** Tries again while the store cannot be reached; safe for appends, whose ids stay the same. */
export async function untilAvailable<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
      await pause(10);
    }
  }
}

/** Iterates a subscription in the background, so that a test can wait for what it has seen. */
export class Follower {
  readonly batches: Batch[] = [];
  readonly events: RecordedEvent[] = [];
  private readonly abort = new AbortController();
  private readonly ended: Promise<void>;
  private failure: Error | undefined;
  private wake: () => void = () => undefined;

  constructor(subscribe: (signal: AbortSignal) => AsyncIterable<Batch>) {
    this.ended = this.follow(subscribe(this.abort.signal));
  }

  get last(): Batch | undefined {
    return this.batches.at(-1);
  }

  /** Waits until the condition holds; it is asked again after every batch. */
  async until(condition: () => boolean): Promise<void> {
    for (;;) {
      if (this.failure) throw this.failure;
      if (condition()) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  async caughtUp(): Promise<void> {
    await this.until(() => this.last?.caughtUp === true);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.ended;
  }

  private async follow(batches: AsyncIterable<Batch>): Promise<void> {
    try {
      for await (const batch of batches) {
        this.batches.push(batch);
        this.events.push(...batch.events);
        this.wake();
      }
    } catch (error) {
      this.failure = error as Error;
      this.wake();
    }
  }
}

const followers = new Set<Follower>();

/** Starts a follower that ends with the test. */
export function follow(subscribe: (signal: AbortSignal) => AsyncIterable<Batch>): Follower {
  const follower = new Follower(subscribe);
  followers.add(follower);
  return follower;
}

export async function stopFollowers(): Promise<void> {
  await Promise.all([...followers].map((follower) => follower.stop()));
  followers.clear();
}
