import { describe, expect, it } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { reached, weighBudget } from './budget.decider.js';
import { sessionDecider, settled } from './session.decider.js';
import { changeSession, claimSession, resumeSession } from './session-changes.decider.js';
import type { Session, SessionState } from './session.decider.js';
import type { Budget, BudgetUse, SessionBirth, SessionFact } from './session.events.js';

const birth: SessionBirth = {
  session_id: '01900000-0000-7000-8000-000000000001',
  project_id: 'default',
  user_id: '01900000-0000-7000-8000-0000000000aa',
  owner_principal_id: '01900000-0000-7000-8000-0000000000bb',
  metadata: {},
};
const budget: Budget = { max_tokens: 100, max_cost_usd: null };
const created: SessionFact = { type: 'SessionCreated', data: { ...birth, budget } };
const deleted: SessionFact = { type: 'SessionDeleted', data: {} };
const used = (used_tokens: number, used_cost_usd = 0): BudgetUse => ({ used_tokens, used_cost_usd });
const paused: SessionFact = {
  type: 'SessionPaused',
  data: { reason: 'max_tokens', budget: { ...budget, ...used(100) } },
};
const resumed = (
  reason: 'requested' | 'budget',
  use: BudgetUse,
  of: Budget | null = budget,
): SessionFact => ({
  type: 'SessionResumed',
  data: { reason, budget: of && { ...of, ...use } },
});
const rebudgeted = (to: Budget | null): SessionFact => ({ type: 'SessionUpdated', data: { budget: to } });

describe('weighing a budget', () => {
  const weigh =
    (use: BudgetUse, known = 0) =>
    (session: Session) =>
      weighBudget(session as SessionState, use, known);

  it('written: paused at the limit, with the figures; ignored below it', () => {
    given(sessionDecider, [created])
      .when(weigh(used(99)))
      .then([]);
    given(sessionDecider, [created])
      .when(weigh(used(100)))
      .then([paused]);
  });

  it('written: resumed when the budget is raised above what was used, or taken away', () => {
    const raised = { max_tokens: 200, max_cost_usd: null };
    given(sessionDecider, [created, paused, rebudgeted(raised)])
      .when(weigh(used(150), 2))
      .then([resumed('budget', used(150), raised)]);
    given(sessionDecider, [created, paused, rebudgeted(null)])
      .when(weigh(used(150), 2))
      .then([resumed('budget', used(150), null)]);
  });

  it('ignored: raised to less than what was used', () => {
    given(sessionDecider, [created, paused, rebudgeted({ max_tokens: 120, max_cost_usd: null })])
      .when(weigh(used(150), 2))
      .then([]);
  });

  it('written: paused by the other limit, when the one that was reached first is raised', () => {
    const both: Budget = { max_tokens: 200, max_cost_usd: 1 };
    const byCost: SessionFact = {
      type: 'SessionPaused',
      data: { reason: 'max_cost_usd', budget: { ...both, ...used(150, 1) } },
    };
    given(sessionDecider, [created, paused, rebudgeted(both)])
      .when(weigh(used(150, 1), 2))
      .then([byCost]);
    given(sessionDecider, [created, paused, rebudgeted(both), byCost])
      .when(weigh(used(250, 1), 3))
      .then([]);
  });

  it('ignored: no budget of cost alone is used up by tokens', () => {
    expect(reached({ max_tokens: null, max_cost_usd: 1 }, used(1e9, 0.9))).toBeUndefined();
    expect(settled({ budget: { max_tokens: null, max_cost_usd: 1 } })).toEqual({
      budget: { max_tokens: null, max_cost_usd: 1 },
    });
  });

  it('ignored: a second time', () => {
    given(sessionDecider, [created, paused])
      .when(weigh(used(130), 1))
      .then([]);
    given(sessionDecider, [created, paused, resumed('requested', used(130))])
      .when(weigh(used(0), 2))
      .then([]);
  });

  it('ignored: what was counted before the newest fact of the budget', () => {
    given(sessionDecider, [created, paused, resumed('requested', used(130))])
      .when(weigh(used(130), 1))
      .then([]);
    given(sessionDecider, [created, rebudgeted({ max_tokens: 500, max_cost_usd: null })])
      .when(weigh(used(130), 0))
      .then([]);
  });

  it('ignored: of a deleted session, and of one without a budget', () => {
    given(sessionDecider, [created, deleted])
      .when(weigh(used(100)))
      .then([]);
    given(sessionDecider, [{ type: 'SessionCreated', data: birth }])
      .when(weigh(used(1e12)))
      .then([]);
  });

  it('knows which limit is reached, the tokens first', () => {
    const both: Budget = { max_tokens: 100, max_cost_usd: 0.3 };
    expect([used(99, 0.29), used(0, 0.3), used(100, 0.3)].map((use) => reached(both, use))).toEqual([
      undefined,
      'max_cost_usd',
      'max_tokens',
    ]);
  });
});

describe('resuming a session', () => {
  const resume = (expected?: number) => (session: Session) =>
    resumeSession(session as SessionState, used(130), expected);

  it('written: with what no longer counts', () => {
    given(sessionDecider, [created, paused])
      .when(resume())
      .then([resumed('requested', used(130))]);
  });

  it('ignored: when it is not paused', () => {
    given(sessionDecider, [created]).when(resume()).then([]);
  });

  it('expected revision: pausing is no change of the session', () => {
    given(sessionDecider, [created, paused])
      .when(resume(1))
      .then([resumed('requested', used(130))]);
  });

  it('refused: of a deleted session, and at another revision', () => {
    given(sessionDecider, [created, paused, deleted]).when(resume()).thenRefused('session_deleted');
    given(sessionDecider, [created, paused]).when(resume(2)).thenRefused('revision_mismatch');
  });
});

describe('a run that wants a paused session', () => {
  const claim = (session: Session) =>
    claimSession(session as SessionState, 'allow', new Set(), 'r', () => ({ run_id: 'r' }));
  const claimed: SessionFact = { type: 'SessionRunClaimed', data: { run: { run_id: 'r' }, active: ['r'] } };

  it('refused', () => {
    given(sessionDecider, [created, paused]).when(claim).thenRefused('session_paused');
  });

  it('ignored: when it held the session before', () => {
    given(sessionDecider, [created, claimed, paused]).when(claim).then([]);
  });

  it('written: once the session was resumed', () => {
    given(sessionDecider, [created, paused, resumed('requested', used(100))])
      .when(claim)
      .then([claimed]);
  });
});

describe('setting a budget', () => {
  const change = (to: Budget | null) => (session: Session) =>
    changeSession(session as SessionState, settled({ budget: to }));

  it('written: what differs', () => {
    const more = { max_tokens: 100, max_cost_usd: 2 };
    given(sessionDecider, [created])
      .when(change(more))
      .then([rebudgeted(more)]);
    given(sessionDecider, [created])
      .when(change(null))
      .then([rebudgeted(null)]);
  });

  it('written: one without a limit takes the budget away', () => {
    given(sessionDecider, [created])
      .when(change({ max_tokens: null, max_cost_usd: null }))
      .then([rebudgeted(null)]);
  });

  it('ignored: the same again', () => {
    given(sessionDecider, [created])
      .when(change({ max_cost_usd: null, max_tokens: 100 }))
      .then([]);
  });
});
