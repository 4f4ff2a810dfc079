import { getEventListeners } from 'node:events';
import { expect, test } from '@jest/globals';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { LiveEvents, StoreUnavailable, Streams } from '#eventsourcing';
import { StreamRebuildRequests } from './rebuild-requests.stream.js';

class StoreAway extends MemoryEventStore {
  override readStream(): never {
    throw new StoreUnavailable('away');
  }
}

test('who looks for rebuilds while the store is away leaves nothing behind on the signal', async () => {
  const store = new StoreAway();
  const live = new LiveEvents(store);
  const requests = new StreamRebuildRequests(new Streams(store), live);
  const { signal } = new AbortController();
  await expect(requests.of('runs', signal).next()).rejects.toThrow(StoreUnavailable);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  await live.close();
});
