import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent, type SnapshotForm } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { cancelRun, changeRun, createRun } from './run-changes.decider.js';
import { isOver, runDecider, type Run, type RunState } from './run.decider.js';
import type { RunBirth, RunFact, RunStatus } from './run.events.js';
import { runStatuses } from './run.events.js';

const birth: RunBirth = {
  run_id: '01900000-0000-7000-8000-000000000001',
  project_id: 'default',
  user_id: '01900000-0000-7000-8000-0000000000aa',
  task_id: '01900000-0000-7000-8000-0000000000bb',
  root_run_id: '01900000-0000-7000-8000-000000000001',
  kind: 'job',
  metadata: { team: 'red', size: 1 },
  max_attempts: 3,
};
const created: RunFact = { type: 'RunCreated', data: birth };
const started: RunFact = { type: 'RunStarted', data: { from: 'pending' } };
const at: Readonly<Record<RunStatus, readonly RunFact[]>> = {
  pending: [created],
  running: [created, started],
  completed: [created, started, { type: 'RunCompleted', data: { from: 'running' } }],
  failed: [created, started, { type: 'RunFailed', data: { from: 'running' } }],
  cancelled: [created, { type: 'RunCancelled', data: { from: 'pending' } }],
};
const usage = {
  input_tokens: 1,
  output_tokens: 2,
  cache_read_tokens: 3,
  cache_creation_tokens: 4,
  cost_usd: 0.5,
};
const snapshot = runDecider.snapshot as SnapshotForm<Run>;
const known = (run: Run): RunState => run as RunState;

describe('creating a run', () => {
  it('written: its whole birth', () => {
    given(runDecider, [])
      .when((run) => createRun(run, birth))
      .then([created]);
  });

  it('ignored: the same birth again', () => {
    given(runDecider, [created])
      .when((run) => createRun(run, birth))
      .then([]);
  });
});

describe('changing the status of a run', () => {
  const facts = {
    running: 'RunStarted',
    completed: 'RunCompleted',
    failed: 'RunFailed',
    cancelled: 'RunCancelled',
  };
  const legal: readonly (readonly [RunStatus, keyof typeof facts])[] = [
    ['pending', 'running'],
    ['pending', 'failed'],
    ['pending', 'cancelled'],
    ['running', 'completed'],
    ['running', 'failed'],
    ['running', 'cancelled'],
  ];
  const pairs = runStatuses.flatMap((from) => runStatuses.map((to) => [from, to] as const));
  const illegal = pairs.filter(
    ([from, to]) => from !== to && !legal.some((pair) => pair[0] === from && pair[1] === to),
  );

  it.each(legal)('written: from %s to %s', (from, to) => {
    given(runDecider, at[from])
      .when((run) => changeRun(known(run), { status: to }))
      .then([{ type: facts[to], data: { from } } as RunFact]);
  });

  it.each(illegal)('refused: from %s to %s', (from, to) => {
    given(runDecider, at[from])
      .when((run) => changeRun(known(run), { status: to }))
      .thenRefused('illegal_transition');
  });

  it.each(runStatuses)('ignored: %s when it is that already', (status) => {
    given(runDecider, at[status])
      .when((run) => changeRun(known(run), { status }))
      .then([]);
  });

  it('written: the session goes with it, for whoever counts runs by session', () => {
    given(runDecider, [{ type: 'RunCreated', data: { ...birth, session_id: 'session' } }])
      .when((run) => changeRun(known(run), { status: 'running' }))
      .then([{ type: 'RunStarted', data: { from: 'pending', session_id: 'session' } }]);
  });

  it('written: the session goes with a change of its fields too', () => {
    given(runDecider, [{ type: 'RunCreated', data: { ...birth, session_id: 'session' } }])
      .when((run) => changeRun(known(run), { metadata: { a: 1 }, done_reason: 'late' }))
      .then([
        { type: 'RunUpdated', data: { metadata: { a: 1 }, session_id: 'session' } },
        { type: 'RunUpdated', data: { done_reason: 'late', session_id: 'session' } },
      ]);
  });

  it('written: what came of it goes with its end', () => {
    const error = { code: 'boom', message: 'It broke.' };
    given(runDecider, at.running)
      .when((run) => changeRun(known(run), { status: 'failed', error, done_reason: 'crash', output: [1] }))
      .then([{ type: 'RunFailed', data: { from: 'running', error, done_reason: 'crash', output: [1] } }]);
  });

  it('refused: another revision than expected', () => {
    given(runDecider, at.running)
      .when((run) => changeRun(known(run), { status: 'completed' }, 1))
      .thenRefused('revision_mismatch');
  });

  it('expected revision: the right one is taken', () => {
    given(runDecider, at.running)
      .when((run) => changeRun(known(run), { status: 'completed' }, 2))
      .then([{ type: 'RunCompleted', data: { from: 'running' } }]);
  });
});

describe('changing what else a run says', () => {
  it('written: metadata by key', () => {
    given(runDecider, at.running)
      .when((run) => changeRun(known(run), { metadata: { team: null, round: 2 } }))
      .then([{ type: 'RunUpdated', data: { metadata: { team: null, round: 2 } } }]);
  });

  it('ignored: metadata that it holds already, and keys to remove that it does not have', () => {
    given(runDecider, at.running)
      .when((run) => changeRun(known(run), { metadata: { team: 'red', other: null } }))
      .then([]);
  });

  it('written: results of a run that is over already', () => {
    given(runDecider, at.completed)
      .when((run) => changeRun(known(run), { status: 'completed', output: 'late' }))
      .then([{ type: 'RunUpdated', data: { output: 'late' } }]);
  });

  it('ignored: results that it has already', () => {
    given(runDecider, [...at.running, { type: 'RunUpdated', data: { output: { a: 1 } } }])
      .when((run) => changeRun(known(run), { output: { a: 1 } }))
      .then([]);
  });

  it('written: usage, with the one that it replaces', () => {
    const more = { ...usage, input_tokens: 9 };
    given(runDecider, [...at.running, { type: 'RunUsageRecorded', data: { usage } }])
      .when((run) => changeRun(known(run), { usage: more }))
      .then([{ type: 'RunUsageRecorded', data: { usage: more, previous: usage } }]);
  });

  it('ignored: the same usage again', () => {
    given(runDecider, [...at.running, { type: 'RunUsageRecorded', data: { usage } }])
      .when((run) => changeRun(known(run), { usage }))
      .then([]);
  });

  it('refused: everything of a change whose status is illegal', () => {
    given(runDecider, at.completed)
      .when((run) => changeRun(known(run), { status: 'running', usage, metadata: { a: 1 } }))
      .thenRefused('illegal_transition');
  });
});

describe('cancelling a run', () => {
  it.each(['pending', 'running'] as const)('written: of one that is %s, with the reason', (from) => {
    given(runDecider, at[from])
      .when((run) => cancelRun(known(run), 'enough'))
      .then([{ type: 'RunCancelled', data: { from, reason: 'enough' } }]);
  });

  it.each(['completed', 'failed', 'cancelled'] as const)('ignored: of one that is %s', (from) => {
    given(runDecider, at[from])
      .when((run) => cancelRun(known(run), 'enough'))
      .then([]);
  });

  it('refused: another revision than expected', () => {
    given(runDecider, at.running)
      .when((run) => cancelRun(known(run), undefined, 7))
      .thenRefused('revision_mismatch');
  });
});

describe('the state of a run', () => {
  const recorded = (facts: readonly RunFact[]): RecordedEvent[] =>
    facts.map((fact, revision) => ({
      ...fact,
      id: `00000000-0000-8000-8000-${String(revision).padStart(12, '0')}`,
      stream: 'run-x',
      revision,
      position: BigInt(revision),
      metadata: {
        $correlationId: 'c',
        $causationId: 'c',
        actor: 'somebody',
        project: 'default',
        at: new Date(revision).toISOString(),
      },
    }));

  it('counts its changes, and keeps who cancelled it and why', () => {
    const facts: RunFact[] = [
      ...at.running,
      { type: 'RunCancelled', data: { from: 'running', reason: 'enough' } },
    ];
    const run = known(fold(runDecider, recorded(facts)));
    expect(run).toMatchObject({
      status: 'cancelled',
      revision: 3,
      attempt: 1,
      status_reason: { actor: 'somebody', reason: 'enough' },
      started_at: '1970-01-01T00:00:00.001Z',
      ended_at: '1970-01-01T00:00:00.002Z',
    });
    expect(isOver(run)).toBe(true);
  });

  it('keeps the time of its first start', () => {
    const facts: RunFact[] = [...at.running, { type: 'RunStarted', data: { from: 'pending' } }];
    expect(fold(runDecider, recorded(facts))).toMatchObject({
      attempt: 2,
      started_at: '1970-01-01T00:00:00.001Z',
    });
  });

  it('ignores what stands before its creation', () => {
    expect(fold(runDecider, recorded([started]))).toBeUndefined();
  });

  it('is the same folded in any batches, or on from a snapshot, as folded at once', () => {
    const fact: fc.Arbitrary<RunFact> = fc.oneof(
      fc.constantFrom<RunFact>(started, ...at.completed, ...at.failed, ...at.cancelled),
      fc.dictionary(fc.string(), fc.option(fc.jsonValue())).map((metadata) => ({
        type: 'RunUpdated' as const,
        // As stored: JSON knows no -0.
        data: { metadata: JSON.parse(JSON.stringify(metadata)) as Record<string, string | null> },
      })),
      fc.array(fc.uuid(), { minLength: 1, maxLength: 1, size: 'max' }).map(([id]) => ({
        type: 'RunEventRecorded' as const,
        data: { type: 'x.n', data: {}, ...(id !== undefined && { id }) },
      })),
    );
    fc.assert(
      fc.property(fc.array(fact, { maxLength: 200, size: 'max' }), fc.nat(), (facts, cut) => {
        const events = recorded([created, ...facts]);
        const half = cut % (events.length + 1);
        const first = fold(runDecider, events.slice(0, half));
        const parts = fold({ ...runDecider, initial: first }, events.slice(half));
        expect(parts).toEqual(fold(runDecider, events));
        if (first === undefined) return;
        const kept = snapshot.fromJson(JSON.parse(JSON.stringify(snapshot.toJson(first))));
        expect(kept).toEqual(first);
        expect(fold({ ...runDecider, initial: kept }, events.slice(half))).toEqual(parts);
      }),
    );
  });
});
