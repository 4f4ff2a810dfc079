import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Fact, fold, RuleViolation } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import {
  cancel,
  expire,
  expiryOf,
  interactionDecider,
  type Interaction,
  type InteractionState,
  requestInteraction,
  resolve,
  respond,
} from './interaction.decider.js';
import { type InteractionFact, type InteractionKind, interactionKinds } from './interaction.events.js';

const expires_at = '2026-01-01T00:05:00.000Z';
const before = Date.parse(expires_at) - 1;
const requested = (kind: InteractionKind = 'user_approval') =>
  ({
    type: 'InteractionRequested',
    data: {
      interaction_id: '01990000-0000-7000-8000-000000000031',
      token: 'deploy',
      project_id: 'default',
      user_id: '01990000-0000-8000-8000-00000000000a',
      run_id: '01990000-0000-7000-8000-000000000002',
      kind,
      request: { text: 'Deploy?' },
      expires_at,
    },
  }) satisfies InteractionFact;
const asked = requested();
const approved: InteractionFact = { type: 'InteractionResponded', data: { decision: 'approved' } };
const refused: InteractionFact = { type: 'InteractionResponded', data: { decision: 'denied' } };
const cancelled: InteractionFact = { type: 'InteractionCancelled', data: { reason: 'moot' } };
const resolved: InteractionFact = { type: 'InteractionResolved', data: {} };
const known = (interaction: Interaction): InteractionState => interaction as InteractionState;
const after = (...facts: InteractionFact[]) => given(interactionDecider, facts as readonly InteractionFact[]);

describe('asking', () => {
  it('written: under a new token', () => {
    after()
      .when((state) => requestInteraction(state, asked.data))
      .then([asked]);
  });

  it('ignored: under a token that was used', () => {
    after(asked)
      .when((state) => requestInteraction(state, { ...asked.data, request: 'another' }))
      .then([]);
  });
});

describe('answering', () => {
  it('written: while the question is open', () => {
    after(asked)
      .when((state) => respond(known(state), { decision: 'approved' }, before))
      .then([approved]);
  });

  it.each([['answered', approved] as const, ['denied', refused] as const, ['cancelled', cancelled] as const])(
    'refused: once it is %s',
    (_word, fact) => {
      after(asked, fact)
        .when((state) => respond(known(state), { answer: 1 }, before))
        .thenRefused('not_pending');
    },
  );

  it('refused: when its time is over, though nobody has swept it yet', () => {
    after(asked)
      .when((state) => respond(known(state), { answer: 1 }, before + 1))
      .thenRefused('not_pending');
  });
});

describe('resolving', () => {
  it('written: an answer takes effect, and an open question is settled without one', () => {
    after(asked, approved)
      .when((state) => resolve(known(state), true, undefined))
      .then([resolved]);
    after(asked)
      .when((state) => resolve(known(state), true, 'found out'))
      .then([{ type: 'InteractionResolved', data: { reason: 'found out' } }]);
  });

  it('written: as denied, when who answered may not any more', () => {
    after(asked, approved)
      .when((state) => resolve(known(state), false, undefined))
      .then([{ type: 'InteractionDenied', data: { reason: 'who answered may not answer any more' } }]);
  });

  it('ignored: a second time, and of a denial', () => {
    after(asked, approved, resolved)
      .when((state) => resolve(known(state), true, undefined))
      .then([]);
    after(asked, refused)
      .when((state) => resolve(known(state), true, undefined))
      .then([]);
  });

  it('refused: of a question that was taken back', () => {
    after(asked, cancelled)
      .when((state) => resolve(known(state), true, undefined))
      .thenRefused('not_pending');
  });
});

describe('taking back', () => {
  it('written: an open question', () => {
    after(asked)
      .when((state) => cancel(known(state), 'moot'))
      .then([cancelled]);
  });

  it('keeps the reason', () => {
    after(asked, cancelled)
      .when((state) => {
        expect(state).toMatchObject({ status: 'cancelled', reason: 'moot' });
        return [];
      })
      .then([]);
    after(asked, resolved)
      .when((state) => {
        expect(state).toMatchObject({ status: 'resolved', reason: null });
        return [];
      })
      .then([]);
  });

  it('ignored: a second time', () => {
    after(asked, cancelled)
      .when((state) => cancel(known(state), 'again'))
      .then([]);
  });

  it('refused: one that was answered', () => {
    after(asked, approved)
      .when((state) => cancel(known(state), undefined))
      .thenRefused('not_pending');
  });
});

describe('expiring', () => {
  const reason = `nobody answered until ${expires_at}`;

  it('written: with its reason, when the time is over', () => {
    after(asked)
      .when((state) => expire(state, before + 1))
      .then([{ type: 'InteractionExpired', data: { reason } }]);
  });

  it('written: a tool call answers itself with an error', () => {
    after(requested('tool_call'))
      .when((state) => expire(state, before + 1))
      .then([{ type: 'InteractionResponded', data: { error: { code: 'timeout', message: reason } } }]);
  });

  it('ignored: before its time, and of what is open no longer', () => {
    after(asked)
      .when((state) => expire(state, before))
      .then([]);
    after(asked, approved)
      .when((state) => expire(state, before + 1))
      .then([]);
  });
});

describe('the time to answer', () => {
  const now = Date.UTC(2026, 0, 1);

  it('is 7 days, or what was asked for', () => {
    expect(expiryOf('user_input', now, undefined)).toBe('2026-01-08T00:00:00.000Z');
    expect(expiryOf('user_input', now, '2026-03-01T00:00:00+01:00')).toBe('2026-02-28T23:00:00.000Z');
  });

  it('is 5 minutes for a tool call, or what was asked for', () => {
    expect(expiryOf('tool_call', now, undefined)).toBe(expires_at);
    expect(expiryOf('tool_call', now, '2026-03-01T00:00:00Z')).toBe('2026-03-01T00:00:00.000Z');
    expect(expiryOf('tool_call', now, '2026-01-01T00:00:10Z')).toBe('2026-01-01T00:00:10.000Z');
  });

  it('cannot be over already', () => {
    expect(() => expiryOf('user_input', now, '2025-12-31T23:59:59Z')).toThrow(RuleViolation);
  });
});

it('whatever is tried in whatever order, one answer is recorded at most, and what has ended stays so', () => {
  const attempt = fc.constantFrom<(state: InteractionState, now: number) => InteractionFact[]>(
    (state, now) => respond(state, { answer: 'yes' }, now),
    (state, now) => respond(state, { decision: 'denied' }, now),
    (state) => resolve(state, true, undefined),
    (state) => resolve(state, false, undefined),
    (state) => cancel(state, undefined),
    (state, now) => expire(state, now),
  );
  const ended = new Set(['resolved', 'denied', 'cancelled', 'expired']);
  const script = fc.array(fc.tuple(attempt, fc.nat({ max: 2 })), { maxLength: 12 });
  fc.assert(
    fc.property(fc.constantFrom(...interactionKinds), script, (kind, attempts) => {
      const facts: InteractionFact[] = [requested(kind)];
      const state = () => known(fold(interactionDecider, facts.map(envelope)));
      for (const [attempted, late] of attempts) {
        const { status } = state();
        const made = refusable(() => attempted(state(), before + late));
        if (ended.has(status)) expect(made).toEqual([]);
        facts.push(...made);
      }
      expect(facts.filter(({ type }) => type === 'InteractionResponded').length).toBeLessThan(2);
      expect(state().revision).toBe(facts.length);
    }),
  );
});

const envelope = (fact: Fact, revision: number) => ({
  ...fact,
  id: 'event',
  stream: 'interaction-1',
  revision,
  position: BigInt(revision),
  metadata: {
    $correlationId: 'c',
    $causationId: 'c',
    actor: 'a',
    project: 'p',
    at: '2026-01-01T00:00:00.000Z',
  },
});

function refusable<T>(decide: () => T[]): T[] {
  try {
    return decide();
  } catch (error) {
    if (error instanceof RuleViolation) return [];
    throw error;
  }
}
