import { afterEach, beforeEach, expect, test } from '@jest/globals';
import {
  all,
  follow,
  ids,
  newEvents,
  stopFollowers,
  streamName,
  untilAvailable,
} from '../../eventsourcing/src/contract-tools.contract.js';
import { type StandIn, startStandIn } from '../../../test/support/kurrent-stand-in/server.js';
import { KurrentEventStore } from '#eventstore-kurrent';

let leader: StandIn;
let follower: StandIn;
let store: KurrentEventStore;

beforeEach(async () => {
  leader = await startStandIn();
  follower = await startStandIn({ leader });
  store = new KurrentEventStore(`kurrentdb://127.0.0.1:${follower.port}?tls=false&nodePreference=follower`);
});

afterEach(async () => {
  await stopFollowers();
  await store.close();
  follower.close();
  leader.close();
});

const other = async <T>(work: (store: KurrentEventStore) => Promise<T>): Promise<T> => {
  const direct = new KurrentEventStore(`kurrentdb://127.0.0.1:${leader.port}?tls=false`);
  try {
    return await work(direct);
  } finally {
    await direct.close();
  }
};

test.each<[string, (stream: string) => Promise<unknown>, number[]]>([
  ['an append', (stream) => store.append(stream, 2, newEvents(1)), [0, 1, 2, 3]],
  ['a truncation', (stream) => store.truncateBefore(stream, 2), [2]],
  ['a deletion', (stream) => store.delete(stream), []],
])('%s that comes to a follower is done by the leader', async (_, write, left) => {
  const stream = streamName();
  await other((direct) => direct.append(stream, 'none', newEvents(3)));
  await untilAvailable(() => write(stream));
  const events = await other((direct) => all(direct.readStream(stream)));
  expect(events.map(({ revision }) => revision)).toEqual(left);
});

test('what a follower does not have yet is read from the leader, by each way to read', async () => {
  const stream = streamName();
  const events = newEvents(3);
  const { position } = await other((direct) => direct.append(stream, 'none', events));
  const ways = [
    () => store.readStream(stream),
    () => store.readAll(),
    () => store.readAllBackwards({ limit: 3 }),
  ];
  for (const way of ways) expect(await untilAvailable(() => all(way()))).toHaveLength(3);
  expect(await untilAvailable(() => store.head())).toBe(position);
});

test.each(['all', 'one stream'] as const)('a subscription to %s follows the leader', async (what) => {
  const stream = streamName();
  const events = newEvents(3);
  await other((direct) => direct.append(stream, 'none', events));
  const subscriber = follow((signal) =>
    what === 'all' ? store.subscribeAll({ signal }) : store.subscribeStream(stream, { signal }),
  );
  await subscriber.caughtUp();
  expect(ids(subscriber.events)).toEqual(ids(events));
});

test.each(['all', 'one stream'] as const)(
  'a subscription to %s that has seen more than a follower has goes on at the leader',
  async (what) => {
    const stream = streamName();
    const [first, next] = [newEvents(1), newEvents(2)];
    const { position: after } = await other((direct) => direct.append(stream, 'none', first));
    const { position } = await other((direct) => direct.append(stream, 0, next));
    const subscriber = follow((signal) =>
      what === 'all'
        ? store.subscribeAll({ after, signal })
        : store.subscribeStream(stream, { after: 0, signal }),
    );
    await subscriber.until(() => (subscriber.last?.position ?? 0n) >= position);
    expect(ids(subscriber.events)).toEqual(ids(next));
  },
);
