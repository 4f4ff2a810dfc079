import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import {
  endProcess,
  processDecider,
  processStarted,
  purgeOutput,
  requestProcess,
} from './process.decider.js';
import { type ProcessFact, processStream } from './process.events.js';
import { ProcessesProjection } from './processes.projection.js';

const uuid = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const cause = { operation_id: uuid(0), scope: 'default' };

/** Moves one of some processes of two runs a step on: requested, started, ended with so much output, purged. */
const step = fc.record({ process: fc.nat(5), bytes: fc.nat(3) });

const histories = fc.array(step, { minLength: 8, maxLength: 40 }).map((steps) => {
  const events: RecordedEvent[] = [];
  for (const { process, bytes } of steps) {
    const stream = processStream(uuid(process + 10));
    const own = events.filter((event) => event.stream === stream);
    const facts = moved(process, bytes, own);
    for (const [n, fact] of facts.entries()) {
      const at = new Date(Date.UTC(2026, 0, 1) + events.length * 1_000).toISOString();
      events.push({
        ...fact,
        ...{ id: uuid(events.length + 100), stream, revision: own.length + n },
        position: BigInt(events.length + 1),
        metadata: { $correlationId: 'c', $causationId: 'c', actor: uuid(1), project: 'default', at },
      });
    }
  }
  return events;
});

function moved(process: number, bytes: number, own: readonly RecordedEvent[]): readonly ProcessFact[] {
  const state = fold(processDecider, own);
  if (state === undefined)
    return requestProcess(state, {
      ...{ process_id: uuid(process + 10), project_id: 'default', user_id: uuid(1), sandbox_id: uuid(2) },
      ...{ run_id: uuid(3 + (process % 2)), task_id: uuid(3), command: 'true', args: [], env_keys: [] },
      ...{ timeout_seconds: 1, detached: false, attach_output: false, output_limit_bytes: 2 },
    });
  if (state.status === 'starting') return processStarted(state, 7);
  const stdout = { bytes, truncated: bytes > 2 };
  const stderr = { bytes: 0, truncated: false };
  if (state.status === 'running')
    return endProcess(state, { status: 'exited', exit_code: 0, output: { stdout, stderr } });
  const gone = { bytes, sha256: 'x' };
  return purgeOutput(state, { stdout: gone, stderr: gone, cause });
}

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
});

interface Row {
  readonly id: string;
  readonly run_id: string;
  readonly output_seq: number | null;
  readonly output_bytes: number;
}

test('processes and what they have left stand in the same rows, live in any batches and built again', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.integer({ min: 1, max: 6 }), async (events, batch) => {
      const live = await projected(database.url, new ProcessesProjection(), events, batch);
      expect(await projected(database.url, new ProcessesProjection(), events)).toEqual(live);
      const rows = live['processes'] as unknown as Row[];
      for (const run of [uuid(3), uuid(4)]) {
        const numbers = rows.flatMap(({ run_id, output_seq }) => (run_id === run ? (output_seq ?? []) : []));
        expect(numbers.sort((a, b) => a - b)).toEqual(numbers.map((_, n) => n + 1));
      }
      for (const { id, output_bytes } of rows) {
        const state = fold(
          processDecider,
          events.filter(({ stream }) => stream === processStream(id)),
        );
        const there = state?.purged === null ? Math.min(2, state.output?.stdout.bytes ?? 0) : 0;
        expect(output_bytes).toBe(there);
      }
    }),
    { numRuns: 40 },
  );
});
