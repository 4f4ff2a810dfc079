import type { Decider, Envelope, JsonObject } from '#eventsourcing';
import { shallowMerge } from '#eventsourcing';
import { limits } from './budget.decider.js';
import type {
  BudgetLimit,
  ForkedFrom,
  SessionBirth,
  SessionDetails,
  SessionFact,
  Subagent,
} from './session.events.js';

/** A session as its own stream tells it; what follows from its runs is not in here. */
export interface SessionState extends Required<Omit<SessionDetails, 'subagent'>> {
  readonly id: string;
  readonly project_id: string;
  readonly external_id: string | null;
  readonly alias: string | null;
  readonly user_id: string;
  readonly owner_principal_id: string;
  readonly resolved_owner_user_id: string;
  readonly parent_session_id: string | null;
  readonly forked_from: ForkedFrom | null;
  readonly subagent: Subagent | null;
  readonly metadata: JsonObject;
  readonly created_at: string;
  readonly updated_at: string;
  readonly archived_at: string | null;
  readonly deleted_at: string | null;
  /** How often the session has changed, its creation included. */
  readonly revision: number;
  /** The limit of the budget that was reached; null while the session takes runs. */
  readonly paused_by: BudgetLimit | null;
  /** Revision in the stream of the newest fact of the budget; whoever knows an older one knows too little. */
  readonly budget_revision: number;
  /** Runs that held the session when the newest of them claimed it. */
  readonly holders: readonly string[];
}

export type Session = SessionState | undefined;
export const sessionDecider: Decider<Session, SessionFact> = {
  initial: undefined,
  evolve: (session, fact, envelope) => {
    if (fact.type === 'SessionCreated') return born(fact.data, envelope);
    return session === undefined ? undefined : changed(session, fact, envelope);
  },
  snapshot: { version: 1, every: 500, toJson: (session) => session, fromJson: (json) => json as Session },
  weigh: (session) => (session === undefined ? 0 : 2 * JSON.stringify(session).length),
};

/** What a session has of everything that can be set; null sets it back to this. */
export const unset = {
  title: null,
  locale: null,
  tags: [],
  budget: null,
  harness_id: null,
  agent_id: null,
  agent_version_id: null,
  agent_identity_id: null,
  model_id: null,
  capabilities: [],
  tools: [],
  mcp_servers: {},
  system_prompt: null,
  initial_files: [],
  hints: {},
  network_access: null,
  max_iterations: null,
  blueprint_id: null,
  blueprint_config: null,
};

function born(birth: SessionBirth, { revision, metadata: { at } }: Envelope): SessionState {
  const { session_id, inherited: _inherited, ...rest } = birth;
  return {
    id: session_id,
    external_id: null,
    alias: null,
    parent_session_id: null,
    forked_from: null,
    resolved_owner_user_id: rest.user_id,
    subagent: null,
    ...unset,
    ...rest,
    created_at: at,
    updated_at: at,
    archived_at: null,
    deleted_at: null,
    revision: 1,
    paused_by: null,
    budget_revision: revision,
    holders: [],
  };
}

function changed(
  session: SessionState,
  fact: SessionFact,
  { revision, metadata: { at } }: Envelope,
): SessionState {
  const touched = { ...session, updated_at: at, revision: session.revision + 1 };
  switch (fact.type) {
    case 'SessionUpdated': {
      const { metadata = {}, ...details } = fact.data;
      const merged = { ...touched, ...details, metadata: shallowMerge(session.metadata, metadata) };
      return details.budget === undefined ? merged : { ...merged, budget_revision: revision };
    }
    case 'SessionAliasChanged':
      return { ...touched, alias: fact.data.alias };
    case 'SessionArchived':
      return { ...touched, archived_at: at };
    case 'SessionUnarchived':
      return { ...touched, archived_at: null };
    case 'SessionDeleted':
      return { ...touched, alias: null, deleted_at: at };
    case 'SessionRunClaimed':
      return { ...session, holders: fact.data.active };
    case 'SessionPaused':
      return { ...session, paused_by: fact.data.reason, budget_revision: revision };
    case 'SessionResumed':
      return { ...session, paused_by: null, budget_revision: revision };
    case 'SessionCompactionRequested':
    case 'SessionCreated':
      return session;
  }
}

type Nullable<T> = { [K in keyof T]: T[K] | null };

/** Details with null in the place of a list or an object taken as what it means: none; so is an empty budget. */
export function settled(details: Nullable<SessionDetails>): SessionDetails {
  const given = details.budget == null ? details : { ...details, budget: limits(details.budget) };
  const entries = Object.entries(given).filter(([key, value]) => value !== null || key in unset);
  return Object.fromEntries(entries.map(([key, value]) => [key, value ?? unset[key as keyof typeof unset]]));
}
