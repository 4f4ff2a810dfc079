import { expect, test } from '@jest/globals';
import { Causation, Streams } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { LogFeed } from './log-feed.js';
import { logDecider } from './log.decider.js';
import { type LogFact, logStreamOf } from './log.events.js';

const run = '01990000-0000-7000-8000-000000000003';
const ts = '2026-01-01T00:00:00.000Z';
const times = { from: ts, to: ts };
const line = { ts, stream: 'stdout', message: '' } as const;
/** The first nine lines are gone. */
const left: LogFact[] = [
  {
    type: 'LogPurged',
    data: {
      ...{ through_seq: 9, last_seq: 9, bytes: 9, ...times, sha256: '', producers: [] },
      cause: { operation_id: 'o', scope: 'default' },
    },
  },
  { type: 'LogAppended', data: { first_seq: 10, ...times, entries: [line, line] } },
  { type: 'LogAppended', data: { first_seq: 12, ...times, entries: [line] } },
];

async function seqsBehind(place: number): Promise<number[]> {
  const streams = new Streams(new MemoryEventStore());
  const causation = new Causation({ principalId: 'a', projectId: 'default', userId: 'u', role: 'worker' });
  await streams.execute(logDecider, logStreamOf(run), causation, () => left);
  const seqs: number[] = [];
  for await (const { place: seq } of new LogFeed(streams, run).read(place, 'asc')) seqs.push(seq);
  return seqs;
}

test('who begins at the start reads what is left', async () => {
  expect(await seqsBehind(0)).toEqual([10, 11, 12]);
});

test('who goes on where the lines that are left begin, or behind, misses nothing', async () => {
  expect(await seqsBehind(9)).toEqual([10, 11, 12]);
  expect(await seqsBehind(10)).toEqual([11, 12]);
  expect(await seqsBehind(11)).toEqual([12]);
});

test('who has read up to lines that were removed since is told where those that are left begin', async () => {
  await expect(seqsBehind(8)).rejects.toMatchObject({ options: { extra: { earliest_seq: 10 } } });
});
