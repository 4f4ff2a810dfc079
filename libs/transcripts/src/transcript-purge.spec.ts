import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Fact, fold, type RecordedEvent } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import { keepOfSegments, purgedSegmentsDecider, remains } from './purged-segments.decider.js';
import {
  appendSegments,
  appendSnapshot,
  compact,
  purgeTranscript,
  redact,
} from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import { purgedSegmentsStream, type SegmentsAppended, transcriptStream } from './transcript.events.js';
import { TranscriptProjection } from './transcript.projection.js';
import {
  beginSeeds,
  giveUp,
  giveUpThrough,
  keysOf,
  transcriptSeedsDecider,
} from './transcript-seeds.decider.js';

const id = '01990000-0000-7000-8000-000000000001';
const stream = transcriptStream(id);
const cause = { operation_id: id, scope: 'default' };
const seal = (seq: number, json: string): string => Buffer.from(`${seq} ${json}`).toString('base64');
const step = fc.record({
  verb: fc.constantFrom('append', 'append', 'append', 'snapshot', 'compact', 'redact', 'purge'),
  n: fc.integer({ min: 1, max: 4 }),
  named: fc.boolean(),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A transcript with the record of what was removed from it, as a store has them in order. */
class History {
  readonly events: RecordedEvent[] = [];
  /** First revision of the transcript that the store has kept. */
  kept = 0;

  of(name: string): RecordedEvent[] {
    return this.events.filter((event) => event.stream === name);
  }

  /** What a rebuild finds. */
  get left(): RecordedEvent[] {
    return this.events.filter((event) => event.stream !== stream || event.revision >= this.kept);
  }

  carryOut(one: Step): void {
    const state = fold(transcriptDecider, this.of(stream));
    const names = one.named ? { id: `name ${this.events.length}` } : {};
    const segments = Array.from({ length: one.n }, () => ({
      kind: 'message' as const,
      json: '"x"',
      run_id: id,
    }));
    const named = segments.map((segment, n) =>
      n === 0 ? { ...segment, ...names, metadata: { n } } : segment,
    );
    try {
      if (one.verb === 'append') this.store(stream, appendSegments(state, named, seal, { session_id: id }));
      else if (one.verb === 'compact')
        this.store(stream, compact(state, { json: '"s"', keepLast: one.n }, seal));
      else if (one.verb === 'redact') this.store(stream, redact(state, one.n * 2, 'why "so"'));
      else if (one.verb === 'purge') this.purge(one.n);
      else {
        const after = state.snapshots.get(id) ?? 0;
        this.store(stream, appendSnapshot(state, { run_id: id, after, through: after + 3 }, segments, seal));
      }
    } catch {
      // Refused: nothing happens.
    }
  }

  private purge(n: number): void {
    const own = this.of(stream);
    const state = fold(transcriptDecider, own);
    const pieces = own.filter(({ type, data }) => {
      const seq = (data as { seq?: number; first_seq?: number }).first_seq ?? (data as { seq: number }).seq;
      return (type === 'SegmentsAppended' || type === 'TranscriptCompacted') && seq > state.purged_seq;
    });
    const last = pieces[n - 1];
    if (last === undefined) return;
    const { first_seq, segments } = last.data as SegmentsAppended['data'];
    const through_seq =
      last.type === 'SegmentsAppended' ? first_seq + segments.length - 1 : (last.data as { seq: number }).seq;
    const range = { after_seq: state.purged_seq, through_seq };
    const taken = own.filter(({ revision }) => revision >= this.kept && revision <= last.revision);
    const record = purgedSegmentsStream(id);
    const kept = keepOfSegments(
      fold(purgedSegmentsDecider, this.of(record)),
      remains(taken, state.redacted),
      range.after_seq,
      false,
    );
    this.store(record, kept);
    this.store(stream, purgeTranscript(state, range, cause, { session_id: id }));
    this.kept = last.revision + 1;
  }

  private store(name: string, facts: readonly Fact[]): void {
    for (const fact of facts) {
      const n = this.events.length;
      this.events.push({
        ...fact,
        id: `01990000-0000-8000-8000-${String(n).padStart(12, '0')}`,
        ...{ stream: name, revision: this.of(name).length, position: BigInt(n + 1) },
        metadata: {
          ...{ $correlationId: 'c', $causationId: 'c', actor: id, project: 'default' },
          at: new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString(),
        },
      });
    }
  }
}

const histories = fc.array(step, { minLength: 5, maxLength: 30 }).map((steps) => {
  const history = new History();
  for (const one of steps) history.carryOut(one);
  return history;
});

describe('any sequence of changes and purges of a transcript', () => {
  let database: Database;
  beforeAll(async () => {
    database = await freshDatabase();
  });
  afterAll(async () => {
    await database.drop();
  });

  test('folds to the same state with and without the events that were purged', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const warm = fold(transcriptDecider, history.of(stream));
        const cold = fold(
          transcriptDecider,
          history.left.filter((event) => event.stream === stream),
        );
        expect({ ...cold, seen: cold.seen.newest(100) }).toEqual({ ...warm, seen: warm.seen.newest(100) });
      }),
    );
  });

  test('leaves the same rows, live in any batches and built again from what is left', async () => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 1, max: 6 }), async (history, batch) => {
        const live = await projected(database.url, new TranscriptProjection(), history.events, batch);
        expect(await projected(database.url, new TranscriptProjection(), history.left, batch)).toEqual(live);
      }),
      { numRuns: 30 },
    );
  });
});

test('giving up all keys up to one leaves those behind it, and no other', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 40 }),
      (redacted, through) => {
        const after = (facts: ReturnType<typeof giveUp>, before: typeof all): typeof all =>
          facts.reduce(
            (seeds, fact) => transcriptSeedsDecider.evolve(seeds, fact, {} as RecordedEvent),
            before,
          );
        const all = transcriptSeedsDecider.evolve(
          new Map(),
          beginSeeds(new Map(), Buffer.alloc(32, 7))[0] as ReturnType<typeof giveUp>[number],
          {} as RecordedEvent,
        );
        const some = after(giveUp(all, redacted), all);
        const left = after(giveUpThrough(some, through), some);
        const [keyOf, keyBefore] = [keysOf(left), keysOf(all)];
        for (let seq = 1; seq <= 45; seq++) {
          const kept = seq > through && !redacted.includes(seq);
          expect(keyOf(seq)).toEqual(kept ? keyBefore(seq) : undefined);
        }
        expect(giveUpThrough(left, through)).toEqual([]);
      },
    ),
  );
});
