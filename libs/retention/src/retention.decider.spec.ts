import { describe, expect, test } from '@jest/globals';
import { fold, type RecordedEvent } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { holdsOn, legalHoldDecider, placeHold, releaseHold } from './legal-hold.decider.js';
import type { LegalHoldFact, LegalHoldPlaced } from './legal-hold.events.js';
import { policyDecider, removePolicy, setPolicy } from './policy.decider.js';
import type { RetentionPolicyFact } from './retention.events.js';
import {
  carryOutBatch,
  decideBatch,
  endSweep,
  requestSweep,
  startSweep,
  sweepDecider,
} from './sweep.decider.js';
import type { SweepFact } from './sweep.events.js';
import { nothing, tallied } from './tally.decider.js';

describe('a policy', () => {
  const policy = { kind: 'logs', max_age: 'P1D', max_bytes: null, action: 'purge' } as const;
  const set: RetentionPolicyFact = { type: 'RetentionPolicySet', data: policy };
  const removed: RetentionPolicyFact = { type: 'RetentionPolicyRemoved', data: { kind: 'logs' } };

  test('is written when it is set or changed', () => {
    given(policyDecider, [])
      .when((state) => setPolicy(state, policy))
      .then([set]);
    const other = { ...policy, max_age: 'P2D' };
    given(policyDecider, [set])
      .when((state) => setPolicy(state, other, 1))
      .then([{ type: 'RetentionPolicySet', data: other }]);
  });

  test('that is the same is ignored', () => {
    given(policyDecider, [set])
      .when((state) => setPolicy(state, policy))
      .then([]);
  });

  test('at another revision is refused; it goes on counting when it was removed', () => {
    given(policyDecider, [set])
      .when((state) => setPolicy(state, policy, 2))
      .thenRefused('revision_mismatch');
    given(policyDecider, [set, removed])
      .when((state) => setPolicy(state, policy, 2))
      .then([set]);
  });

  test('is removed once', () => {
    given(policyDecider, [set])
      .when((state) => removePolicy(state, { kind: 'logs' }))
      .then([removed]);
    given(policyDecider, [set, removed])
      .when((state) => removePolicy(state, { kind: 'logs' }))
      .thenRefused('not_found');
    given(policyDecider, [set])
      .when((state) => removePolicy(state, { kind: 'transcripts' }))
      .thenRefused('not_found');
  });
});

describe('a legal hold', () => {
  const hold = { hold_id: 'h', project_id: 'default', subject: { run_id: 'r' }, reason: 'case' };
  const placed: LegalHoldPlaced = { type: 'LegalHoldPlaced', data: hold };
  const released: LegalHoldFact = { type: 'LegalHoldReleased', data: { hold_id: 'h', reason: 'closed' } };

  test('is placed, once', () => {
    given(legalHoldDecider, [])
      .when((holds) => placeHold(holds, hold))
      .then([placed]);
    given(legalHoldDecider, [placed])
      .when((holds) => placeHold(holds, hold))
      .then([]);
  });

  test('is released, once', () => {
    given(legalHoldDecider, [placed])
      .when((holds) => releaseHold(holds, 'h', 'closed'))
      .then([released]);
    given(legalHoldDecider, [placed, released])
      .when((holds) => releaseHold(holds, 'h'))
      .thenRefused('not_found');
  });

  test.each([
    [{ run_id: 'r' }, true],
    [{ session_id: 's' }, true],
    [{ user_id: 'u' }, true],
    [{ run_id: 's' }, false],
    [{ session_id: 'r' }, false],
    [{ user_id: 'v' }, false],
  ])('on %j stands in the way of what is of run r, session s and user u: %s', (subject, stands) => {
    const events = [{ ...placed, data: { ...hold, subject }, metadata: { at: '', actor: '' } }];
    const holds = fold(legalHoldDecider, events as unknown as RecordedEvent[]);
    const found = holdsOn(holds, { run_ids: ['r'], session_id: 's', user_ids: ['u'] });
    expect(found.map(({ id }) => id)).toEqual(stands ? ['h'] : []);
  });
});

describe('a sweep', () => {
  const requested: SweepFact = {
    type: 'SweepRequested',
    data: { operation_id: 'o', project_id: 'default', trigger: 'request' },
  };
  const removal = { id: 'a', after_seq: 0, through_seq: 5, revision: 1, bytes: 9, from: '1', to: '2' };
  const limits = { max_age: 'P1D', max_bytes: null, action: 'purge' } as const;
  const batch = {
    kind: 'logs',
    scope: 'default',
    limits,
    pieces: 2,
    removals: [removal, { ...removal, id: 'b' }],
  } as const;
  const decided: SweepFact = { type: 'SweepBatchDecided', data: { operation_id: 'o', number: 1, ...batch } };
  const done: SweepFact = {
    type: 'SweepBatchCarriedOut',
    data: { operation_id: 'o', number: 1, kept: ['b'] },
  };
  const ended: SweepFact = { type: 'SweepEnded', data: { operation_id: 'o' } };
  const other = { operation_id: 'p', project_id: 'default', trigger: 'interval' } as const;

  test('is asked for when none runs', () => {
    given(sweepDecider, [requested, ended])
      .when((sweep) => requestSweep(sweep, other))
      .then([{ type: 'SweepRequested', data: other }]);
    given(sweepDecider, [requested])
      .when((sweep) => requestSweep(sweep, other))
      .thenRefused('already_running');
    given(sweepDecider, [requested])
      .when((sweep) => requestSweep(sweep, requested.data))
      .then([]);
  });

  test('is started once, and only while it runs', () => {
    given(sweepDecider, [requested])
      .when((sweep) => startSweep(sweep, 'o', 5))
      .then([{ type: 'SweepStarted', data: { operation_id: 'o', total: 5 } }]);
    given(sweepDecider, [requested, ended])
      .when((sweep) => startSweep(sweep, 'o', 5))
      .then([]);
  });

  test('decides on one batch after the other', () => {
    given(sweepDecider, [requested])
      .when((sweep) => decideBatch(sweep, 'o', batch))
      .then([decided]);
    given(sweepDecider, [requested, decided])
      .when((sweep) => decideBatch(sweep, 'o', batch))
      .then([]);
    given(sweepDecider, [requested, decided])
      .when((sweep) => carryOutBatch(sweep, 'o', ['b']))
      .then([done]);
    given(sweepDecider, [requested, decided])
      .when((sweep) => carryOutBatch(sweep, 'o', ['b'], 'm'))
      .then([{ ...done, data: { ...done.data, archive: 'm' } }]);
    given(sweepDecider, [requested, decided, done])
      .when((sweep) => carryOutBatch(sweep, 'o', ['b']))
      .then([]);
  });

  test('counts what was removed, and not what was kept', () => {
    const metadata = { at: '2026-01-01T00:00:00.000Z' };
    const events = [requested, decided, done, ended].map((fact) => ({ ...fact, metadata }));
    expect(fold(sweepDecider, events as unknown as RecordedEvent[])).toMatchObject({
      ...{ status: 'succeeded', done: 5, kept: 1, batch: null },
      swept: [
        {
          kind: 'logs',
          scope: 'default',
          tally: { subjects: 1, count: 5, bytes: 9, ids: ['a'] },
          archives: [],
        },
      ],
    });
  });

  test('sums up what each rule removed, of each kind and by each action, however many batches that took', () => {
    const metadata = { at: '2026-01-01T00:00:00.000Z' };
    const archive = { ...limits, action: 'archive' } as const;
    const rules = [{}, { kind: 'transcripts' }, { scope: 'project' }, { limits: archive }, {}] as const;
    const facts = rules.flatMap((rule, n): SweepFact[] => [
      {
        type: 'SweepBatchDecided',
        data: { operation_id: 'o', number: n, ...batch, removals: [removal], ...rule },
      },
      { type: 'SweepBatchCarriedOut', data: { operation_id: 'o', number: n, kept: [], archive: `m${n}` } },
    ]);
    const events = [requested, ...facts].map((fact) => ({ ...fact, metadata }));
    const sweep = fold(sweepDecider, events as unknown as RecordedEvent[]);
    expect(sweep?.done).toBe(25);
    const told = sweep?.swept.map(({ kind, scope, action, tally, archives }) => [
      ...[kind, scope, action, tally.count, ...archives],
    ]);
    expect(told).toEqual([
      ['transcripts', 'default', 'purge', 5, 'm1'],
      ['logs', 'project', 'purge', 5, 'm2'],
      ['logs', 'default', 'archive', 5, 'm3'],
      ['logs', 'default', 'purge', 10, 'm0', 'm4'],
    ]);
  });

  test('is ended once', () => {
    given(sweepDecider, [requested])
      .when((sweep) => endSweep(sweep, 'o', 'no room'))
      .then([{ type: 'SweepEnded', data: { operation_id: 'o', error: 'no room' } }]);
    given(sweepDecider, [requested, ended])
      .when((sweep) => endSweep(sweep, 'o'))
      .then([]);
  });
});

describe('a tally', () => {
  const time = (day: number): string => new Date(Date.UTC(2026, 0, day)).toISOString();
  const removed = { revision: 1, bytes: 9 };

  test('counts one subject once, and tells the earliest and the latest time of all', () => {
    const removals = [
      { id: 'a', after_seq: 0, through_seq: 5, from: time(2), to: time(3), ...removed },
      { id: 'a', after_seq: 5, through_seq: 6, from: time(1), to: time(4), ...removed },
      { id: 'b', after_seq: 0, through_seq: 1, from: time(3), to: time(3), ...removed },
    ];
    expect(removals.reduce(tallied, nothing)).toMatchObject({
      ...{ subjects: 2, count: 7, bytes: 27, ids: ['a', 'b'] },
      ...{ oldest: time(1), newest: time(4) },
    });
  });

  test('names the first hundred subjects, and counts them all', () => {
    const ids = Array.from({ length: 101 }, (_, n) => `s${n}`);
    const whole = { after_seq: 0, through_seq: 1, from: time(1), to: time(1), ...removed };
    const tally = ids.map((id) => ({ id, ...whole })).reduce(tallied, nothing);
    expect(tally).toMatchObject({ subjects: 101, ids: ids.slice(0, 100) });
  });
});
