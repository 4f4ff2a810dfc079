import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import { appendLog, purgeLog, type PurgedRange } from './log-changes.decider.js';
import { logDecider, placedBefore } from './log.decider.js';
import type { LogAppended, LogFact, LogLine, LogPurged } from './log.events.js';
import { logStreamOf } from './log.events.js';
import { LogProjection } from './log.projection.js';

const run = '01990000-0000-7000-8000-000000000003';
const start = Date.parse('2026-01-01T00:00:00Z');
const time = (second: number): string => new Date(start + second * 1_000).toISOString();
const cause = { operation_id: run, scope: 'default' };
const line = (message: string): LogLine => ({ ts: time(0), stream: 'stdout', message });
const appended = (first_seq: number, count: number): LogAppended => ({
  type: 'LogAppended',
  data: {
    first_seq,
    from: time(0),
    to: time(0),
    entries: Array.from({ length: count }, () => line('x')),
    producer: { id: 'p', epoch: 0, seq: first_seq },
  },
});
const range = (after_seq: number, through_seq: number): PurgedRange => ({
  ...{ after_seq, through_seq, bytes: 7, from: time(after_seq), to: time(through_seq) },
  digests: [Buffer.alloc(32, through_seq)],
});
const folded = (facts: readonly LogFact[]) => fold(logDecider, facts as unknown as RecordedEvent[]);

describe('a purge', () => {
  const full = [appended(1, 2), appended(3, 2)];
  const [first] = purgeLog(folded(full), range(0, 2), cause) as [LogPurged];

  test('is written with all that an append must know', () => {
    expect(first.data).toMatchObject({ through_seq: 2, last_seq: 4, bytes: 7, cause });
    expect(first.data.producers).toEqual([
      {
        id: 'p',
        epoch: 0,
        placed: [
          { seq: 1, first_seq: 1, last_seq: 2 },
          { seq: 3, first_seq: 3, last_seq: 4 },
        ],
      },
    ]);
  });

  test('adds to what was purged before, and hashes the same as one purge of both', () => {
    const [second] = purgeLog(folded([...full, first]), range(2, 4), cause);
    expect(second?.data).toMatchObject({ through_seq: 4, bytes: 14, from: time(0), to: time(4) });
    const both = { ...range(0, 4), digests: [...range(0, 2).digests, ...range(2, 4).digests] };
    expect(purgeLog(folded(full), both, cause)[0]?.data.sha256).toBe(second?.data.sha256);
  });

  test('keeps the earliest and the latest time of all that was purged', () => {
    const within = { ...range(2, 4), from: time(1), to: time(1) };
    const [second] = purgeLog(folded([...full, first]), within, cause);
    expect(second?.data).toMatchObject({ from: time(0), to: time(2) });
  });

  test('of what is gone already is ignored', () => {
    given(logDecider, [...full, first])
      .when((state) => purgeLog(state, range(0, 2), cause))
      .then([]);
  });

  test('of what does not stand right behind the last one is ignored', () => {
    given(logDecider, full)
      .when((state) => purgeLog(state, range(2, 4), cause))
      .then([]);
  });

  test('of lines that are not there is ignored', () => {
    given(logDecider, full)
      .when((state) => purgeLog(state, range(0, 5), cause))
      .then([]);
  });
});

/** Within a minute, or within days. */
const second = fc.oneof(fc.nat(50), fc.nat(3 * 86_400));

/** Appends lines, from one of two producers or none; or purges up to some chunk that is left. */
const step = fc.oneof(
  fc.record({ lines: fc.array(second, { minLength: 1, maxLength: 4 }), producer: fc.nat(2) }),
  fc.record({ chunks: fc.nat(3) }),
);

interface History {
  readonly events: readonly RecordedEvent[];
  /** First revision that the store has kept. */
  readonly kept: number;
}

const histories: fc.Arbitrary<History> = fc.array(step, { minLength: 5, maxLength: 25 }).map((steps) => {
  const events: RecordedEvent[] = [];
  const requests = new Map<number, number>();
  let kept = 0;
  const store = (facts: readonly LogFact[]): void => {
    for (const fact of facts) {
      const n = events.length;
      const metadata = { $correlationId: 'c', $causationId: 'c', actor: run, project: 'default' };
      events.push({
        ...fact,
        id: `01990000-0000-8000-8000-${String(n).padStart(12, '0')}`,
        ...{ stream: logStreamOf(run), revision: n, position: BigInt(n + 1) },
        metadata: { ...metadata, at: time(n + 20) },
      });
    }
  };
  for (const one of steps) {
    const state = fold(logDecider, events);
    if ('lines' in one) {
      const seq = requests.get(one.producer) ?? 0;
      requests.set(one.producer, seq + 1);
      const entries = one.lines.map((second) => ({ ...line(`${second}`), ts: time(second) }));
      const producer = one.producer === 0 ? undefined : { id: `p${one.producer}`, epoch: 0, seq };
      store(appendLog(state, entries, producer));
      continue;
    }
    const after_seq = state.purged?.through_seq ?? 0;
    const chunks = (events as RecordedEvent<LogFact>[]).filter(
      (event): event is RecordedEvent<LogAppended> =>
        event.type === 'LogAppended' && (event as RecordedEvent<LogAppended>).data.first_seq > after_seq,
    );
    const last = chunks[one.chunks];
    if (last === undefined) continue;
    store(purgeLog(state, range(after_seq, last.data.first_seq + last.data.entries.length - 1), cause));
    kept = last.revision + 1;
  }
  return { events, kept };
});

describe('any sequence of appends and purges', () => {
  let database: Database;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(async () => {
    await database.drop();
  });

  test('folds to the same state with and without the events that were purged', () => {
    fc.assert(
      fc.property(histories, ({ events, kept }) => {
        const [warm, cold] = [fold(logDecider, events), fold(logDecider, events.slice(kept))];
        expect(cold).toEqual(warm);
        for (const { data } of events as readonly RecordedEvent<LogAppended>[]) {
          const { producer } = data;
          if (producer === undefined) continue;
          expect(placedBefore(cold, producer)).toEqual(placedBefore(warm, producer));
        }
      }),
    );
  });

  test('leaves the same rows, live in any batches and built again from what is left', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 6 }), async ({ events, kept }, batch) => {
        const live = await projected(database.url, new LogProjection(), events, batch);
        const all = Math.max(1, events.length);
        expect(await projected(database.url, new LogProjection(), events, all)).toEqual(live);
        expect(await projected(database.url, new LogProjection(), events.slice(kept), batch)).toEqual(live);
      }),
      { numRuns: 40 },
    );
  });
});
