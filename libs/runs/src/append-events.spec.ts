import { expect, test } from '@jest/globals';
import { Causation, Streams, uuidv7 } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { AppendEvents, AppendEventsHandler } from './append-events.js';
import { createRun } from './run-changes.decider.js';
import { runDecider } from './run.decider.js';
import { runStream } from './run.events.js';
import type { RunWrites } from './run-writes.js';

const principal = { principalId: 'p', projectId: 'default', userId: uuidv7(), role: 'worker' } as const;
const events = [{ type: 'x.step', data: {} }];
const writes = { wrote: () => undefined } as unknown as RunWrites;

test('sent again after a crash, they have the numbers under which they are stored, whatever came behind them', async () => {
  const store = new MemoryEventStore();
  const handler = new AppendEventsHandler(new Streams(store), writes);
  const run_id = uuidv7();
  const owners = { project_id: 'default', user_id: principal.userId, task_id: run_id, root_run_id: run_id };
  const birth = { run_id, ...owners, kind: 'job' as const, metadata: {}, max_attempts: 3 };
  await new Streams(store).execute(runDecider, runStream(run_id), new Causation(principal), (run) =>
    createRun(run, birth),
  );
  const append = (recovering: boolean) => {
    const seed = { id: 'append', at: Date.parse('2026-01-01T00:00:00Z'), recovering };
    return handler.execute(new AppendEvents(run_id, events, new Causation(principal, { seed }), undefined));
  };
  const first = await append(false);
  await handler.execute(new AppendEvents(run_id, events, new Causation(principal), undefined));
  expect(first).toMatchObject({ first_sequence_number: 2, last_sequence_number: 2, appended: 1 });
  expect(await append(true)).toEqual(first);
});
