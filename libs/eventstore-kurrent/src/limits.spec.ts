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

async function onServer(
  settings: Parameters<typeof startStandIn>[0],
  work: (store: KurrentEventStore) => Promise<void>,
): Promise<void> {
  const server = await startStandIn(settings);
  const store = new KurrentEventStore(`kurrentdb://127.0.0.1:${server.port}?tls=false`);
  try {
    await work(store);
  } finally {
    await stopFollowers();
    await store.close();
    server.close();
  }
}

test.each([
  ['an append', { maxAppendSize: MiB }],
  ['one event', { maxAppendSize: 256 * MiB, maxAppendEventSize: MiB }],
])('what is more than the server takes in %s is too large, and leaves nothing', async (_, settings) => {
  await onServer(settings, async (store) => {
    const stream = streamName();
    const append = store.append(stream, 'none', [newEvent(), newEvent({ text: 'x'.repeat(2 * MiB) })]);
    await expect(append).rejects.toThrow(AppendTooLarge);
    expect(await all(store.readStream(stream))).toEqual([]);
  });
});

test('what fits in a request, 10 MiB, comes back encrypted as one event from a server of 25.1', async () => {
  await onServer({ maxAppendSize: 256 * MiB, maxAppendEventSize: 16 * MiB }, async (store) => {
    const stream = streamName();
    const data = { text: 'x'.repeat(14 * MiB) };
    await store.append(stream, 'none', [newEvent(data)]);
    const live = follow((signal) => store.subscribeAll({ signal }));
    await live.caughtUp();
    for (const events of [live.events, await all(store.readStream(stream)), await all(store.readAll())])
      expect(events.map((event) => event.data)).toEqual([data]);
  });
});

test('an event that no request can hold is too large, and breaks no append that is under way', async () => {
  await onServer({ maxAppendSize: 256 * MiB, maxAppendEventSize: 16 * MiB }, async (store) => {
    const [stream, other] = [streamName(), streamName()];
    const outcomes = await Promise.allSettled([
      store.append(other, 'none', [newEvent()]),
      store.append(stream, 'none', [newEvent({ text: 'x'.repeat(17 * MiB) })]),
    ]);
    expect(outcomes).toMatchObject([
      { status: 'fulfilled', value: { revision: 0 } },
      { status: 'rejected', reason: expect.any(AppendTooLarge) },
    ]);
    expect(await all(store.readStream(stream))).toEqual([]);
  });
});

test('a server whose clock is ahead by an hour takes appends and truncations', async () => {
  await onServer({ ahead: 3_600_000 }, async (store) => {
    const stream = streamName();
    await store.append(stream, 'none', [newEvent(), newEvent()]);
    await store.truncateBefore(stream, 1);
    expect((await all(store.readStream(stream))).map(({ revision }) => revision)).toEqual([1]);
  });
});
