import { START } from '@kurrent/kurrentdb-client';
import type { Batch, SubscribeAllOptions, SubscribeStreamOptions } from '#eventsourcing';
import { Mark } from './arrivals.js';
import type { Clients } from './clients.js';
import { at, filterBy, ofLeader } from './events.js';
import { head } from './reading.js';
import { subscribe } from './subscribing.js';

const defaultBatchSize = 1_000;
/** Events that the server looks at in one go, and after which it tells a checkpoint. */
const window = { catchingUp: 500, live: 1 };

/**
 * A live subscription is told every position, so that a reader who waits for an event that does not
 * match learns soon that it has gone by. Catching up like that would read event by event.
 */
export function subscribeAll(clients: Clients, options: SubscribeAllOptions): AsyncIterable<Batch> {
  const { prefixes, signal, batchSize = defaultBatchSize } = options;
  let after = options.after ?? 0n;
  return subscribe({
    signal,
    batchSize,
    twoPhases: true,
    after,
    head: () => head(clients),
    open: async (live) => {
      await clients.toLeader();
      const filter = filterBy(prefixes, {
        maxSearchWindow: live ? window.live : window.catchingUp,
        checkpointInterval: 1,
        checkpointReached: (subscription, position) => {
          subscription.push(new Mark('checkpoint', position));
        },
      });
      const fromPosition = after === 0n ? START : at(after);
      return clients.writer.subscribeToAll(
        { fromPosition, filter, ...ofLeader },
        { highWaterMark: batchSize },
      );
    },
    reached: ({ position }) => {
      after = position;
    },
  });
}

export function subscribeStream(
  clients: Clients,
  stream: string,
  options: SubscribeStreamOptions,
): AsyncIterable<Batch> {
  const { signal, batchSize = defaultBatchSize } = options;
  let { after } = options;
  return subscribe({
    signal,
    batchSize,
    twoPhases: false,
    after: 0n,
    head: () => head(clients),
    open: async () => {
      await clients.toLeader();
      return clients.writer.subscribeToStream(
        stream,
        { fromRevision: after === undefined ? START : BigInt(after), ...ofLeader },
        { highWaterMark: batchSize },
      );
    },
    reached: ({ events }) => {
      after = events.at(-1)?.revision ?? after;
    },
  });
}
