import { afterEach, expect, test } from '@jest/globals';
import {
  all,
  follow,
  ids,
  newEvents,
  stopFollowers,
  streamName,
  untilAvailable,
} from '../../eventsourcing/src/contract-tools.contract.js';
import { breakableProxy } from '../../../test/support/breakable-proxy.js';
import { startStandIn } from '../../../test/support/kurrent-stand-in/server.js';
import { StoreUnavailable } from '#eventsourcing';
import { KurrentEventStore } from '#eventstore-kurrent';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  await stopFollowers();
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const standIn = async (...settings: Parameters<typeof startStandIn>) => {
  const server = await startStandIn(...settings);
  cleanups.push(() => {
    server.close();
  });
  return server;
};

const storeAt = (...ports: number[]): KurrentEventStore => {
  const nodes = ports.map((port) => `127.0.0.1:${port}`).join(',');
  const store = new KurrentEventStore(`kurrentdb://${nodes}?tls=false`);
  cleanups.push(() => store.close());
  return store;
};

test('a server that comes up after the first call has failed is found, by each way to ask', async () => {
  const server = await standIn();
  const proxy = await breakableProxy('127.0.0.1', server.port);
  await proxy.close();
  const store = storeAt(proxy.port);
  await expect(store.head()).rejects.toThrow(StoreUnavailable);
  const again = await breakableProxy('127.0.0.1', server.port, proxy.port);
  cleanups.push(() => again.close());
  const stream = streamName();
  const events = newEvents(2);
  const { position } = await untilAvailable(() => store.append(stream, 'any', events));
  expect(await untilAvailable(() => store.head())).toBe(position);
  expect(ids(await untilAvailable(() => all(store.readStream(stream))))).toEqual(ids(events));
  await untilAvailable(() => store.truncateBefore(stream, 1));
  const live = follow((signal) => store.subscribeAll({ signal }));
  await live.caughtUp();
});

test('a leader that dies is left for the next one, by each way to ask', async () => {
  const [first, next] = [await standIn(), await standIn()];
  const elected = { port: first.port };
  const store = storeAt((await standIn({ leader: elected })).port);
  const stream = streamName();
  await untilAvailable(() => store.append(stream, 'none', newEvents(2)));
  await untilAvailable(() => store.head());
  first.close();
  elected.port = next.port;
  const events = newEvents(2);
  const { position } = await untilAvailable(() => store.append(stream, 'any', events));
  expect(await untilAvailable(() => store.head())).toBe(position);
  expect(ids(await untilAvailable(() => all(store.readStream(stream))))).toEqual(ids(events));
  await untilAvailable(() => store.truncateBefore(stream, 1));
});

test.each<[string, (store: KurrentEventStore, stream: string) => Promise<unknown>]>([
  ['an append', (store, stream) => store.append(stream, 'any', newEvents(2))],
  ['a truncation', (store, stream) => store.truncateBefore(stream, 1)],
  ['a deletion', (store, stream) => store.delete(stream)],
])('%s leaves a leader that is cut off from its cluster for the next one', async (_, write) => {
  const elected = { port: 0 };
  const [first, second] = [await standIn({ leader: elected }), await standIn({ leader: elected })];
  const stream = streamName();
  for (const { port } of [second, first]) {
    elected.port = port;
    await untilAvailable(() => storeAt(port).append(stream, 'none', newEvents(2)));
  }
  const store = storeAt(first.port, second.port);
  await store.append(stream, 1, newEvents(1));
  first.cutOff();
  elected.port = second.port;
  await untilAvailable(() => write(store, stream));
});
