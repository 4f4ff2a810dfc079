import type { Fact, Json, JsonObject } from '#eventsourcing';
import { derivedUuid } from '#eventsourcing';

export const subagentStatuses = [
  'spawning',
  'running',
  'completed',
  'failed',
  'cancelled',
  'max_iterations_reached',
] as const;
export type SubagentStatus = (typeof subagentStatuses)[number];

export interface Subagent {
  name: string;
  task: string | null;
  status: SubagentStatus;
}

export interface InitialFile {
  path: string;
  content: string;
  encoding?: 'text' | 'base64' | null;
  is_readonly?: boolean | null;
}

/** Agent set-up, kept for the workers that execute; the service itself reads none of it. */
export interface SessionSetup {
  harness_id?: string | null;
  agent_id?: string | null;
  agent_version_id?: string | null;
  agent_identity_id?: string | null;
  model_id?: string | null;
  capabilities?: Json[];
  tools?: Json[];
  mcp_servers?: JsonObject;
  system_prompt?: string | null;
  initial_files?: InitialFile[];
  hints?: JsonObject;
  network_access?: { allowed: string[]; blocked: string[] } | null;
  max_iterations?: number | null;
  blueprint_id?: string | null;
  blueprint_config?: Json;
}

/** How much the session's runs may use; null is no limit. One of the two at least is one. */
export interface Budget {
  /** Input and output tokens together. */
  readonly max_tokens: number | null;
  readonly max_cost_usd: number | null;
}

export type BudgetLimit = keyof Budget;

/** What counts against a budget. */
export interface BudgetUse {
  readonly used_tokens: number;
  readonly used_cost_usd: number;
}

/** What can be set at creation and changed later, alias aside. */
export interface SessionDetails extends SessionSetup {
  budget?: Budget | null;
  title?: string | null;
  locale?: string | null;
  tags?: string[];
  subagent?: Subagent;
}

/** The history that a fork shares: a session's feed up to this number, and what was said until then. */
export interface ForkedFrom {
  readonly session_id: string;
  readonly sequence_number: number;
}

/** What a fork shows of its source until its own runs tell something newer. */
export interface Inherited {
  readonly preview: string | null;
  readonly output_preview: string | null;
  /** Where the last `context` event stands. */
  readonly context: { readonly stream: string; readonly revision: number } | null;
}

export interface SessionBirth extends SessionDetails {
  readonly session_id: string;
  readonly project_id: string;
  readonly user_id: string;
  readonly owner_principal_id: string;
  readonly external_id?: string;
  readonly parent_session_id?: string;
  /** The person for whom the session is, when another user has it: the owner of the topmost parent. */
  readonly resolved_owner_user_id?: string;
  readonly metadata: JsonObject;
  /** Of a fork. */
  readonly forked_from?: ForkedFrom;
  readonly inherited?: Inherited;
}

export type SessionCreated = Fact<'SessionCreated', SessionBirth>;
/** Metadata is merged key by key; null removes a key. Everything else replaces. */
export type SessionUpdated = Fact<
  'SessionUpdated',
  /** A sub-agent that is null: it is one no more. */
  Omit<SessionDetails, 'subagent'> & { subagent?: Subagent | null; metadata?: JsonObject }
>;
/** The alias that the session bears from now on (null: none), and the one that it bore. */
export type SessionAliasChanged = Fact<
  'SessionAliasChanged',
  { readonly alias: string | null; readonly previous?: string }
>;
/**
 * A run holds the session. It carries the run's whole birth, so that whoever finds the claim without
 * the run can finish the work of a writer that died in between. `active` are all runs that hold the
 * session from now on, those found to be over left out.
 */
export type SessionRunClaimed = Fact<
  'SessionRunClaimed',
  { readonly run: JsonObject & { run_id: string }; readonly active: readonly string[] }
>;
/** The session takes no new run: the limit that is the reason was reached by what is named. */
export type SessionPaused = Fact<
  'SessionPaused',
  { readonly reason: BudgetLimit; readonly budget: Budget & BudgetUse }
>;
/**
 * The session takes runs again. `requested`: somebody wants it to go on, and what was used until now counts no
 * more; `budget`: what was used is within the budget, which was raised or taken away, or the usage corrected.
 * What was used is as known to the writer.
 */
export type SessionResumed = Fact<
  'SessionResumed',
  { readonly reason: 'requested' | 'budget'; readonly budget: (Budget & BudgetUse) | null }
>;
export type SessionArchived = Fact<'SessionArchived', Record<string, never>>;
export type SessionUnarchived = Fact<'SessionUnarchived', Record<string, never>>;
/** Somebody wants the transcript compacted; a worker that follows the session writes the summary. */
export type SessionCompactionRequested = Fact<'SessionCompactionRequested', { readonly command: '/compact' }>;
/** A tombstone, with the names that the session gives back. */
export type SessionDeleted = Fact<
  'SessionDeleted',
  { readonly alias?: string; readonly subagent?: { readonly parent: string; readonly name: string } }
>;

/** The facts of a stream `session-<id>`. */
export type SessionFact =
  | SessionCreated
  | SessionUpdated
  | SessionAliasChanged
  | SessionRunClaimed
  | SessionPaused
  | SessionResumed
  | SessionArchived
  | SessionUnarchived
  | SessionCompactionRequested
  | SessionDeleted;

export const sessionStream = (id: string): string => `session-${id}`;

/** Who has pinned a session is a stream of its own: it is no change of the session, and nobody else's to see. */
export type SessionPinned = Fact<'SessionPinned', { readonly session_id: string; readonly user_id: string }>;
export type SessionUnpinned = Fact<
  'SessionUnpinned',
  { readonly session_id: string; readonly user_id: string }
>;
export type PinFact = SessionPinned | SessionUnpinned;

export const pinStreams = 'sessionPins-';
export const pinStream = (sessionId: string): string => `${pinStreams}${sessionId}`;

/** What must be unique is a stream named by the value; `holder` is the session that has it. */
export type ValueReserved = Fact<
  'ValueReserved',
  {
    readonly value: string;
    readonly holder: string;
    readonly user_id: string;
    /** The session that had it until now. */
    readonly previous?: string;
  }
>;
export type ValueReleased = Fact<'ValueReleased', { readonly holder: string }>;
export type ReservationFact = ValueReserved | ValueReleased;

/** What a stream can be named by as it is; an event store takes longer names, or other characters, badly. */
const plain = /^[\w .:/@-]{1,200}$/;

/** A stream's name from a value; no plain one starts as the others do, for no scope is empty. */
const named = (category: string, scope: string, value: string): string =>
  plain.test(value) ? `${category}-${scope}/${value}` : `${category}-/${scope}/${derivedUuid(value)}`;

export const reservationStream = {
  externalId: (project: string, value: string) => named('sessionExternalId', project, value),
  alias: (project: string, value: string) => named('sessionAlias', project, value),
  subagent: (parent: string, name: string) => named('sessionSubagent', parent, name.toLowerCase()),
};
