import { expect, test } from '@jest/globals';
import { Causation, Streams } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { logDecider, type LogState } from './log.decider.js';
import type { LogFact, ProducerRequest } from './log.events.js';
import { placedLongAgo } from './placed-long-ago.js';

const stream = 'runLog-01990000-0000-7000-8000-000000000003';
const ts = '2026-01-01T00:00:00.000Z';
const cause = { operation_id: 'o', scope: 'default' };
const request = (seq: number, epoch = 0, id = 'p'): ProducerRequest => ({ id, epoch, seq });
const appended = (first_seq: number, count: number, producer?: ProducerRequest): LogFact => {
  const entries = Array.from({ length: count }, () => ({ ts, stream: 'stdout' as const, message: '' }));
  return {
    type: 'LogAppended',
    data: { first_seq, from: ts, to: ts, entries, ...(producer && { producer }) },
  };
};
/** All before it is gone: what the producers wrote stands in it alone. */
const purged: LogFact = {
  type: 'LogPurged',
  data: {
    ...{ through_seq: 9, last_seq: 9, bytes: 9, from: ts, to: ts, sha256: '', cause },
    producers: [{ id: 'p', epoch: 0, placed: [{ seq: 8, first_seq: 9, last_seq: 9 }] }],
  },
};

async function log(...facts: readonly LogFact[]): Promise<{ streams: Streams; state: LogState }> {
  const streams = new Streams(new MemoryEventStore());
  const causation = new Causation({ principalId: 'a', projectId: 'default', userId: 'u', role: 'worker' });
  await streams.execute(logDecider, stream, causation, () => facts);
  return { streams, state: (await streams.load(logDecider, stream)).state };
}

test.each([
  ['of one event', request(1), { first_seq: 3, last_seq: 3 }],
  ['of several', request(0), { first_seq: 1, last_seq: 2 }],
  ['of a later epoch', request(0, 1), { first_seq: 5, last_seq: 7 }],
  ['of another producer', request(0, 0, 'q'), { first_seq: 4, last_seq: 4 }],
])('a request %s is found where it was put', async (_, producer, place) => {
  const { streams, state } = await log(
    appended(1, 1, request(0)),
    appended(2, 1, request(0)),
    appended(3, 1, request(1)),
    appended(4, 1, request(0, 0, 'q')),
    appended(5, 3, request(0, 1)),
    appended(8, 1),
  );
  expect(await placedLongAgo(streams, stream, state, producer)).toEqual(place);
});

test('one whose lines retention has removed is refused, and told the next number', async () => {
  const { streams, state } = await log(purged, appended(10, 1, request(9)));
  await expect(placedLongAgo(streams, stream, state, request(1))).rejects.toMatchObject({
    code: 'producer_gap',
    extra: { expected_seq: 10 },
  });
});
