import { EventEmitter, once } from 'node:events';
import { expect, jest, test } from '@jest/globals';
import { UnavailableError } from '@kurrent/kurrentdb-client';
import { newEvent } from '../../eventsourcing/src/contract-tools.contract.js';
import { RevisionConflict, StoreUnavailable } from '#eventsourcing';
import { AppendQueues } from './append-queues.js';
import type { Clients } from './clients.js';

/** Answers of a server that come when the test says so, and how many events each request has brought. */
function server() {
  const requests: { events: number; expected: unknown; answer(error?: Error): void }[] = [];
  const arrivals = new EventEmitter();
  const append = jest.fn(
    (_: string, events: readonly unknown[], { streamState }: { streamState: bigint }) =>
      new Promise((resolve, reject) => {
        const nextExpectedRevision = streamState + BigInt(events.length);
        const stored = { nextExpectedRevision, position: { commit: nextExpectedRevision * 100n } };
        requests.push({
          events: events.length,
          expected: streamState,
          answer: (error) => {
            if (error) reject(error);
            else resolve(stored);
          },
        });
        arrivals.emit('request');
      }),
  );
  const queues = new AppendQueues({ append } as unknown as Clients);
  /** Waits until so many requests have come. */
  const request = async (n: number) => {
    while (requests.length <= n) await once(arrivals, 'request');
    return requests[n] as (typeof requests)[number];
  };
  return { queues, requests, request };
}

const events = (count: number, bytes = 0) =>
  Array.from({ length: count }, () => newEvent({ text: 'x'.repeat(bytes) }));

test('what comes while an append is under way goes out as one, and is told where each of it lies', async () => {
  const { queues, requests, request } = server();
  const outcomes = [1, 2, 4, 5].map((expected, n) => queues.append('a', expected, events(n === 1 ? 2 : 1)));
  (await request(0)).answer();
  (await request(1)).answer();
  expect((await Promise.all(outcomes)).map(({ revision }) => revision)).toEqual([2, 4, 5, 6]);
  expect(requests.map((sent) => [sent.expected, sent.events])).toEqual([
    [1n, 1],
    [2n, 4],
  ]);
  await queues.idle();
});

test.each([
  ['512 KiB', 1, 100_000, [1, 5, 4]],
  ['1,000 events', 300, 0, [300, 900, 300]],
  ['a single append that is larger', 1, 600_000, [1, 1, 1]],
])('a request holds at most %s', async (_, count, bytes, sizes) => {
  const { queues, requests, request } = server();
  const appends = sizes.reduce((sum, size) => sum + size, 0) / count;
  const outcomes = Array.from({ length: appends }, (__, n) =>
    queues.append('a', n * count, events(count, bytes)),
  );
  for (let n = 0; n < sizes.length; n++) (await request(n)).answer();
  await Promise.all(outcomes);
  expect(requests.map((sent) => sent.events)).toEqual(sizes);
});

test('when nobody knows what became of a request, all of it may be stored, and what follows falls', async () => {
  const { queues, requests, request } = server();
  const outcomes = [0, 1, 2].map((expected) => queues.append('a', expected, events(1)));
  (await request(0)).answer();
  const sent = await request(1);
  outcomes.push(...[3, 4].map((expected) => queues.append('a', expected, events(1))));
  outcomes.push(queues.append('b', 3, events(1)));
  sent.answer(new UnavailableError(new Error('cut') as never));
  (await request(2)).answer();
  expect(await Promise.allSettled(outcomes)).toEqual([
    { status: 'fulfilled', value: { revision: 1, position: 100n } },
    { status: 'rejected', reason: expect.any(StoreUnavailable) },
    { status: 'rejected', reason: expect.any(StoreUnavailable) },
    { status: 'rejected', reason: expect.any(RevisionConflict) },
    { status: 'rejected', reason: expect.any(RevisionConflict) },
    { status: 'fulfilled', value: { revision: 4, position: 400n } },
  ]);
  expect(requests).toHaveLength(3);
});
