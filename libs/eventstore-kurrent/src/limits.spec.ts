import { expect, test } from '@jest/globals';
import {
  all,
  follow,
  newEvent,
  stopFollowers,
  streamName,
} from '../../eventsourcing/src/contract-tools.contract.js';
import { startStandIn } from '../../../test/support/kurrent-stand-in/server.js';
import { AppendTooLarge } from '#eventsourcing';
import { KurrentEventStore } from '#eventstore-kurrent';

const MiB = 1024 * 1024;

async function withLimits(
  [maxAppendSize, maxAppendEventSize]: [number, number],
  work: (store: KurrentEventStore) => Promise<void>,
): Promise<void> {
  const server = await startStandIn({ limits: { maxAppendSize, maxAppendEventSize } });
  const store = new KurrentEventStore(`kurrentdb://127.0.0.1:${server.port}?tls=false`);
  try {
    await work(store);
  } finally {
    await stopFollowers();
    await store.close();
    server.close();
  }
}

test.each<[string, [number, number]]>([
  ['an append', [1 * MiB, Infinity]],
  ['one event', [256 * MiB, 1 * MiB]],
])('what is more than the server takes in %s is too large, and leaves nothing', async (_, limits) => {
  await withLimits(limits, async (store) => {
    const stream = streamName();
    const append = store.append(stream, 'none', [newEvent(), newEvent({ text: 'x'.repeat(2 * MiB) })]);
    await expect(append).rejects.toThrow(AppendTooLarge);
    expect(await all(store.readStream(stream))).toEqual([]);
  });
});

test('what fits in a request, 10 MiB, comes back encrypted as one event from a server of 25.1', async () => {
  await withLimits([256 * MiB, 16 * MiB], async (store) => {
    const stream = streamName();
    const data = { text: 'x'.repeat(14 * MiB) };
    await store.append(stream, 'none', [newEvent(data)]);
    const live = follow((signal) => store.subscribeAll({ signal }));
    await live.caughtUp();
    for (const events of [live.events, await all(store.readStream(stream)), await all(store.readAll())])
      expect(events.map((event) => event.data)).toEqual([data]);
  });
});
