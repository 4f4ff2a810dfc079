import { describe, expect, it } from '@jest/globals';
import { RuleViolation } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { claimRun, expectLease, expireLease, extendLease, leaseFrom } from './lease.decider.js';
import type { Run, RunState } from './run.decider.js';
import { runDecider } from './run.decider.js';
import { createRun } from './run-changes.decider.js';
import type { RunBirth, RunFact } from './run.events.js';

const noon = Date.parse('2026-01-01T12:00:00.000Z');
const lease = leaseFrom(noon, { lease_id: 'lease', worker_id: 'worker', seconds: 100 });
const birth: RunBirth = {
  run_id: 'run',
  project_id: 'default',
  user_id: 'user',
  task_id: 'task',
  session_id: 'session',
  root_run_id: 'run',
  kind: 'job',
  metadata: {},
  max_attempts: 2,
};
const pending: RunFact[] = [{ type: 'RunCreated', data: birth }];
const claimed: RunFact = { type: 'RunStarted', data: { from: 'pending', session_id: 'session', lease } };
const running: RunFact[] = [...pending, claimed];
const requeued: RunFact = {
  type: 'RunRequeued',
  data: { from: 'running', session_id: 'session', reason: 'lease_expired', worker_id: 'worker' },
};
const orphaned: RunFact = {
  type: 'RunFailed',
  data: {
    from: 'running',
    session_id: 'session',
    worker_id: 'worker',
    done_reason: 'orphaned',
    error: { code: 'orphaned', message: 'the lease of worker worker expired in attempt 2 of 2' },
  },
};
const lastAttempt: RunFact[] = [...running, requeued, claimed];
const unleased: RunFact[] = [...pending, { type: 'RunStarted', data: { from: 'pending' } }];
const ended = (type: 'RunCompleted' | 'RunFailed' | 'RunCancelled'): RunFact[] => [
  ...running,
  { type, data: { from: 'running' } },
];
const known = (run: Run): RunState => run as RunState;

describe('creating a run that its creator carries out', () => {
  it('written: it is created and started at once, under the lease', () => {
    given(runDecider, [])
      .when((run) => createRun(run, { ...birth, started: { lease } }))
      .then(running);
  });

  it('written: nothing, where somebody else has created it before', () => {
    given(runDecider, running)
      .when((run) => createRun(run, { ...birth, started: { lease } }))
      .then([]);
  });
});

describe('claiming a run', () => {
  it('written: a pending one starts under the lease', () => {
    given(runDecider, pending)
      .when((run) => claimRun(run, lease))
      .then([claimed]);
  });

  it('written: one that was requeued starts again', () => {
    given(runDecider, [...running, requeued])
      .when((run) => claimRun(run, lease))
      .then([claimed]);
  });

  it.each([
    ['is not there', []],
    ['is running', running],
    ['is over', ended('RunCompleted')],
  ] as [string, RunFact[]][])('ignored: one that %s', (_name, facts) => {
    given(runDecider, facts)
      .when((run) => claimRun(run, lease))
      .then([]);
  });
});

describe('a heartbeat', () => {
  const beat =
    (at: number, id = 'lease') =>
    (run: Run) =>
      extendLease(known(run), id, at);

  it('written: the lease holds for its whole length from now on', () => {
    given(runDecider, running)
      .when(beat(noon + 60_000))
      .then([
        {
          type: 'RunLeaseExtended',
          data: { lease_id: 'lease', expires_at: '2026-01-01T12:02:40.000Z', session_id: 'session' },
        },
      ]);
  });

  it('written: of a lease that has expired, while the run has not been taken away', () => {
    given(runDecider, running)
      .when(beat(noon + 200_000))
      .then([
        {
          type: 'RunLeaseExtended',
          data: { lease_id: 'lease', expires_at: '2026-01-01T12:05:00.000Z', session_id: 'session' },
        },
      ]);
  });

  it('ignored: while three quarters of the lease are left', () => {
    given(runDecider, running)
      .when(beat(noon + 25_000))
      .then([]);
  });

  it.each([
    ['another lease', running, 'other'],
    ['a lease that the run was taken from', [...running, requeued], 'lease'],
    ['a run that nobody leased', unleased, 'lease'],
    ['a run that was cancelled', ended('RunCancelled'), 'lease'],
    ['a run that was completed', ended('RunCompleted'), 'lease'],
  ] as [string, RunFact[], string][])('refused: %s', (_name, facts, id) => {
    given(runDecider, facts).when(beat(noon, id)).thenRefused('lease_lost');
  });

  it('changes when the lease expires, and nothing else', () => {
    const state = (facts: RunFact[]) => stateAfter(facts);
    const { lease: held, ...rest } = state(running);
    const { lease: longer, ...same } = state([
      ...running,
      { type: 'RunLeaseExtended', data: { lease_id: 'lease', expires_at: '2026-01-01T13:00:00.000Z' } },
    ]);
    expect(same).toEqual(rest);
    expect(longer).toEqual({ ...held, expires_at: '2026-01-01T13:00:00.000Z' });
  });
});

describe('a change under a lease', () => {
  const fenced = (facts: RunFact[], id: string | undefined) => () => {
    expectLease(stateAfter(facts), id);
  };

  it.each([
    ['the lease of a running run', running, 'lease'],
    ['the lease under which its worker completed it', ended('RunCompleted'), 'lease'],
    ['the lease under which its worker failed it', ended('RunFailed'), 'lease'],
    ['no lease at all', running, undefined],
  ] as [string, RunFact[], string | undefined][])('passes: %s', (_name, facts, id) => {
    expect(fenced(facts, id)).not.toThrow();
  });

  it.each([
    ['the lease of another worker', running, 'other', 'running'],
    ['a lease that the run was taken from', [...running, requeued], 'lease', 'pending'],
    ['the lease of an orphaned run', [...lastAttempt, orphaned], 'lease', 'failed'],
    ['the lease of a cancelled run', ended('RunCancelled'), 'lease', 'cancelled'],
    ['any lease of a run that nobody leased', unleased, 'lease', 'running'],
  ] as [string, RunFact[], string, string][])('refused: %s, with the status', (_name, facts, id, status) => {
    expect(fenced(facts, id)).toThrow(RuleViolation);
    expect(fenced(facts, id)).toThrow(
      expect.objectContaining({ code: 'lease_lost', extra: { run_status: status } }),
    );
  });
});

describe('a lease that expires', () => {
  const end = Date.parse(lease.expires_at);
  const expired = (at: number) => (run: Run) => expireLease(run, at);

  it('written: the run is pending again, with the reason', () => {
    given(runDecider, running).when(expired(end)).then([requeued]);
  });

  it('written: in its last attempt the run has failed', () => {
    given(runDecider, lastAttempt).when(expired(end)).then([orphaned]);
  });

  it('ignored: a millisecond too early', () => {
    given(runDecider, running)
      .when(expired(end - 1))
      .then([]);
  });

  it('ignored: a heartbeat came in time', () => {
    const extended: RunFact = {
      type: 'RunLeaseExtended',
      data: { lease_id: 'lease', expires_at: new Date(end + 1).toISOString() },
    };
    given(runDecider, [...running, extended])
      .when(expired(end))
      .then([]);
  });

  it.each([
    ['nobody leased', unleased],
    ['is pending', pending],
    ['is over', ended('RunCompleted')],
    ['is not there', []],
  ] as [string, RunFact[]][])('ignored: a run that %s', (_name, facts) => {
    given(runDecider, facts).when(expired(end)).then([]);
  });

  it('counts attempts by starts, and shows no lease while the run is pending', () => {
    expect(stateAfter([...running, requeued])).toMatchObject({ status: 'pending', attempt: 1, lease: null });
    expect(stateAfter(lastAttempt)).toMatchObject({ status: 'running', attempt: 2, lease });
  });
});

function stateAfter(facts: readonly RunFact[]): RunState {
  let state: Run;
  given(runDecider, facts)
    .when((run) => {
      state = run;
      return [];
    })
    .then([]);
  return known(state);
}
