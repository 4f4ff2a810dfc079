import { describe, expect, it } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { keepState, sessionStateDecider, type StateChange } from './session-state.decider.js';
import type { SessionStateFact } from './session-state.events.js';

const savedBeside = (sandbox_id: string | null): SessionStateFact => ({
  type: 'SessionStateSaved',
  data: { session_id: 's', data: { step: 1 }, sandbox_id },
});
const saved = savedBeside(null);
const pointed: SessionStateFact = {
  type: 'SessionSandboxPointed',
  data: { session_id: 's', sandbox_id: 'box' },
};
const keep = (change: StateChange) => (state: Parameters<typeof keepState>[0]) =>
  keepState(state, 's', change);

describe('keeping state', () => {
  it('written: data and pointer, each by itself', () => {
    given(sessionStateDecider, [])
      .when(keep({ data: { step: 1 }, sandbox_id: 'box' }))
      .then([saved, pointed]);
    given(sessionStateDecider, [saved])
      .when(keep({ sandbox_id: 'box' }))
      .then([pointed]);
  });

  it('written: null, which is a value of its own', () => {
    given(sessionStateDecider, [saved, pointed])
      .when(keep({ data: null, sandbox_id: null }))
      .then([
        { type: 'SessionStateSaved', data: { session_id: 's', data: null, sandbox_id: 'box' } },
        { type: 'SessionSandboxPointed', data: { session_id: 's', sandbox_id: null } },
      ]);
  });

  it('ignored: what is so already, and what is not named', () => {
    given(sessionStateDecider, [saved, pointed])
      .when(keep({ data: { step: 1 }, sandbox_id: 'box' }))
      .then([]);
    given(sessionStateDecider, [saved, pointed]).when(keep({})).then([]);
  });

  it('told whole with the data: the pointer stays, and nothing before need be read', () => {
    const { isOrigin } = sessionStateDecider;
    const alone: SessionStateFact = { type: 'SessionStateSaved', data: { session_id: 's', data: 2 } };
    expect([savedBeside('box'), saved, pointed, alone].map((fact) => isOrigin?.(fact))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    for (const facts of [
      [saved, pointed, alone],
      [savedBeside('box')],
      [pointed, saved, savedBeside('box')],
    ]) {
      given(sessionStateDecider, facts)
        .when(keep({ sandbox_id: 'box' }))
        .then([]);
      given(sessionStateDecider, facts)
        .when(keep({ data: null }))
        .then([{ type: 'SessionStateSaved', data: { session_id: 's', data: null, sandbox_id: 'box' } }]);
    }
  });
});
