import { expect, it } from '@jest/globals';
import { byService, Streams, uuidv7 } from '#eventsourcing';
import type { Database } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { changeRun, createRun } from './run-changes.decider.js';
import { runDecider, type RunState } from './run.decider.js';
import { runStream } from './run.events.js';
import { RunsOfSession } from './session-runs.js';

const [session_id, user_id, holder, below] = [uuidv7(), uuidv7(), uuidv7(), uuidv7()];
const streams = new Streams(new MemoryEventStore());
/** The read model knows of the run below another alone, and of that for good. */
const database = { query: () => Promise.resolve([{ id: below }]) } as unknown as Database;
const runs = new RunsOfSession(streams, undefined as never, database);

const onRun = (id: string, status?: 'running' | 'completed') =>
  streams.execute(runDecider, runStream(id), byService('default'), (run) => {
    const of = { run_id: id, project_id: 'default', user_id, task_id: id, root_run_id: id, session_id };
    if (status !== undefined) return changeRun(run as RunState, { status });
    return createRun(run, { ...of, kind: 'turn', metadata: {}, max_attempts: 3 });
  });

it('a run of a session is running as its own stream says, whatever the read model knows', async () => {
  const running = () => runs.running(session_id, [holder]);
  for (const id of [holder, below]) await onRun(id);
  expect(await running()).toBeUndefined();
  await onRun(holder, 'running');
  expect(await running()).toBe(holder);
  await onRun(holder, 'completed');
  await onRun(below, 'running');
  expect(await running()).toBe(below);
  await onRun(below, 'completed');
  expect(await running()).toBeUndefined();
});
