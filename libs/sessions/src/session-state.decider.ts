import type { Decider, Json } from '#eventsourcing';
import type { SessionStateFact } from './session-state.events.js';

/** What is kept for a session's workers; all null before anything was. */
export interface KeptState {
  readonly data: Json;
  readonly sandbox_id: string | null;
  readonly updated_at: string | null;
}

export const sessionStateDecider: Decider<KeptState, SessionStateFact> = {
  initial: { data: null, sandbox_id: null, updated_at: null },
  evolve: (state, { type, data }, { metadata: { at } }) => {
    const { sandbox_id = state.sandbox_id } = data;
    return { data: type === 'SessionStateSaved' ? data.data : state.data, sandbox_id, updated_at: at };
  },
  isOrigin: ({ type, data }) => type === 'SessionStateSaved' && data.sandbox_id !== undefined,
  weigh: (state) => 2 * JSON.stringify(state).length,
};

/** What a client asks to keep; what is absent stays. */
export interface StateChange {
  readonly data?: Json;
  readonly sandbox_id?: string | null;
}

/** Keeps what differs. */
export function keepState(state: KeptState, session_id: string, change: StateChange): SessionStateFact[] {
  const { data, sandbox_id } = change;
  const facts: SessionStateFact[] = [];
  if (data !== undefined && JSON.stringify(data) !== JSON.stringify(state.data)) {
    facts.push({ type: 'SessionStateSaved', data: { session_id, data, sandbox_id: state.sandbox_id } });
  }
  if (sandbox_id !== undefined && sandbox_id !== state.sandbox_id) {
    facts.push({ type: 'SessionSandboxPointed', data: { session_id, sandbox_id } });
  }
  return facts;
}
