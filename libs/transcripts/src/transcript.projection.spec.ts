import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Fact, fold, type RecordedEvent } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import { appendSegments, compact, redact } from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import type { TranscriptFact } from './transcript.events.js';
import { TranscriptProjection } from './transcript.projection.js';

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
});

const idOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const seal = (seq: number, json: string): string => Buffer.from(`${seq} ${json}`).toString('base64');
const metadata = fc.option(fc.constantFrom({}, { k: 'ä\n\ud800' }, { a: { b: null } }), { nil: undefined });
const step = fc.record({
  transcript: fc.nat(1),
  verb: fc.constantFrom('append', 'append', 'compact', 'redact'),
  n: fc.integer({ min: 1, max: 4 }),
  role: fc.constantFrom('user', 'null', undefined),
  metadata,
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What random commands leave behind of two transcripts, in the order of the store. */
const histories: fc.Arbitrary<RecordedEvent[]> = fc
  .array(step, { minLength: 20, maxLength: 40 })
  .map((steps) => {
    const events: RecordedEvent[] = [];
    for (const one of steps) {
      const stream = `transcript-${idOf(one.transcript)}`;
      const own = events.filter((event) => event.stream === stream);
      decided(one, own).forEach((fact: Fact, n) => {
        const position = events.length + 1;
        const at = new Date(Date.UTC(2026, 0, 1) + position).toISOString();
        events.push({
          ...fact,
          id: idOf(position),
          stream,
          revision: own.length + n,
          position: BigInt(position),
          metadata: { $correlationId: 'c', $causationId: 'c', actor: idOf(0), project: 'default', at },
        });
      });
    }
    return events;
  });

function decided({ verb, n, role, metadata: data }: Step, own: readonly RecordedEvent[]): TranscriptFact[] {
  const state = fold(transcriptDecider, own);
  const segment = {
    kind: 'message' as const,
    json: '"x"',
    ...(role !== undefined && { role }),
    ...(data !== undefined && { metadata: data }),
  };
  try {
    if (verb === 'append')
      return appendSegments(
        state,
        Array.from({ length: n }, () => segment),
        seal,
      );
    if (verb === 'compact') return compact(state, { json: '"s"', keepLast: n }, seal);
    return redact(state, n, 'why "so"\n');
  } catch {
    return [];
  }
}

it('gives the same rows whatever the batches', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.integer({ min: 1, max: 20 }), async (events, size) => {
      const atOnce = await projected(database.url, new TranscriptProjection(), events);
      expect(await projected(database.url, new TranscriptProjection(), events, size)).toEqual(atOnce);
    }),
    { numRuns: 15 },
  );
});

it('has a row for every segment, and the newest summary, as the stream tells them', async () => {
  await fc.assert(
    fc.asyncProperty(histories, async (events) => {
      const { segments = [], summaries = [] } = await projected(
        database.url,
        new TranscriptProjection(),
        events,
      );
      for (const id of [0, 1].map(idOf)) {
        const state = fold(
          transcriptDecider,
          events.filter(({ stream }) => stream === `transcript-${id}`),
        );
        const rows = segments.filter((row) => row['transcript_id'] === id);
        expect(rows.map(({ seq }) => seq).sort((a, b) => Number(a) - Number(b))).toEqual(
          Array.from({ length: state.last_seq }, (_, n) => n + 1),
        );
        for (const row of rows) {
          const redaction = state.redacted.get(Number(row['seq']));
          expect([row['kind'] === 'redacted', row['sealed'] === null]).toEqual(
            redaction === undefined ? [false, false] : [true, true],
          );
          expect(row['redaction']).toEqual(redaction === undefined ? null : JSON.stringify(redaction));
        }
        const covers = summaries.find((row) => row['transcript_id'] === id)?.['covers'] ?? 0;
        expect(covers).toBe(state.covers);
      }
    }),
    { numRuns: 10 },
  );
});
