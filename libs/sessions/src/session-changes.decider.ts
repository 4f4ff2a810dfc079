import type { JsonObject } from '#eventsourcing';
import { expectMetadataFits, RuleViolation, shallowMerge } from '#eventsourcing';
import { expectNotPaused, resume } from './budget.decider.js';
import { type Session, type SessionState, unset } from './session.decider.js';
import type {
  BudgetUse,
  ForkedFrom,
  Inherited,
  SessionBirth,
  SessionFact,
  SessionUpdated,
  Subagent,
} from './session.events.js';

/** What is asked to change; null takes a sub-agent away, and what is absent of one stays. */
export type SessionChange = Omit<SessionUpdated['data'], 'subagent'> & { subagent?: SubagentChange | null };
export type SubagentChange = Partial<Subagent>;

/** What a new run does about a session that another run holds; `steer` cancels the others first. */
export type ClaimMode = 'reject' | 'allow' | 'enqueue' | 'steer';

/** What is new in a fork. */
export interface NewFork {
  readonly session_id: string;
  readonly owner_principal_id: string;
  readonly forked_from: ForkedFrom;
  readonly inherited: Inherited;
  readonly title?: string;
  readonly tags?: readonly string[];
}

/**
 * The birth of a fork: set up as its source was, and of the same user, whose history it shows. It has no
 * names of its own yet, and is nobody's sub-agent.
 */
export function forkOf(was: SessionState, { title, tags, ...fork }: NewFork): SessionBirth {
  const { project_id, user_id, resolved_owner_user_id, metadata } = was;
  const details = Object.entries(unset).flatMap(([key, nothing]) => {
    const value = was[key as keyof typeof unset];
    return same(value, nothing) ? [] : [[key, value] as const];
  });
  return {
    ...Object.fromEntries(details),
    ...(title !== undefined && { title }),
    ...(tags !== undefined && { tags: [...tags] }),
    ...(resolved_owner_user_id !== user_id && { resolved_owner_user_id }),
    ...{ project_id, user_id, metadata },
    ...fork,
  };
}

/** A session is created once; the same birth again changes nothing. */
export function createSession(session: Session, birth: SessionBirth): SessionFact[] {
  return session === undefined ? [{ type: 'SessionCreated', data: birth }] : [];
}

/** Changes what is named and differs. @throws RuleViolation session_deleted, revision_mismatch, validation_failed */
export function changeSession(
  session: SessionState,
  change: SessionChange,
  expected?: number,
): SessionFact[] {
  expectLive(session, expected);
  const { metadata, subagent, ...details } = change;
  const asked = {
    ...details,
    ...(subagent !== undefined && { subagent: subagent && changedSubagent(session.subagent, subagent) }),
  };
  const told: SessionUpdated['data'] = Object.fromEntries(
    Object.entries(asked).filter(([key, value]) => !same(value, session[key as keyof SessionState])),
  );
  if (metadata !== undefined && !same(shallowMerge(session.metadata, metadata), session.metadata)) {
    expectMetadataFits(session.metadata, metadata);
    told.metadata = metadata;
  }
  return Object.keys(told).length === 0 ? [] : [{ type: 'SessionUpdated', data: told }];
}

function changedSubagent(was: Subagent | null, { name, task, status }: SubagentChange): Subagent {
  const named = name ?? was?.name;
  if (named !== undefined) {
    return {
      ...was,
      name: named,
      task: task === undefined ? (was?.task ?? null) : task,
      status: status ?? was?.status ?? 'spawning',
    };
  }
  const detail = 'name must be given: the session is no sub-agent yet';
  throw new RuleViolation('validation_failed', detail, { pointer: '/subagent/name' });
}

/** Notes the alias that the session bears, or has lost. A deleted session bears none. */
export function changeAlias(session: SessionState, alias: string | null): SessionFact[] {
  if (session.deleted_at !== null || session.alias === alias) return [];
  const previous = session.alias === null ? {} : { previous: session.alias };
  return [{ type: 'SessionAliasChanged', data: { alias, ...previous } }];
}

/** Archives a session, or takes it back. @throws RuleViolation session_deleted, revision_mismatch */
export function archiveSession(session: SessionState, archived: boolean, expected?: number): SessionFact[] {
  expectLive(session, expected);
  if ((session.archived_at !== null) === archived) return [];
  return [{ type: archived ? 'SessionArchived' : 'SessionUnarchived', data: {} }];
}

/**
 * Lets a paused session go on; what was used until now counts no more.
 * @throws RuleViolation session_deleted, revision_mismatch
 */
export function resumeSession(session: SessionState, used: BudgetUse, expected?: number): SessionFact[] {
  expectLive(session, expected);
  return resume(session, 'requested', used);
}

/** Asks the session's workers for a summary of what was said. @throws RuleViolation session_deleted */
export function requestCompaction(session: SessionState): SessionFact[] {
  expectLive(session);
  return [{ type: 'SessionCompactionRequested', data: { command: '/compact' } }];
}

/** Leaves a tombstone. @throws RuleViolation session_deleted, revision_mismatch */
export function deleteSession(session: SessionState, expected?: number): SessionFact[] {
  expectLive(session, expected);
  const { alias, parent_session_id: parent, subagent } = session;
  const data = {
    ...(alias !== null && { alias }),
    ...(parent !== null && subagent !== null && { subagent: { parent, name: subagent.name } }),
  };
  return [{ type: 'SessionDeleted', data }];
}

/**
 * Lets a run hold the session. `over` are the holders known to have ended; every other one still holds it.
 * @throws RuleViolation session_busy, session_paused, session_deleted
 */
export function claimSession(
  session: SessionState,
  mode: ClaimMode,
  over: ReadonlySet<string>,
  runId: string,
  birth: (behind: readonly string[]) => JsonObject & { run_id: string },
): SessionFact[] {
  expectLive(session);
  if (session.holders.includes(runId)) return [];
  expectNotPaused(session);
  const holders = session.holders.filter((id) => !over.has(id));
  const [holder] = holders;
  if (holder !== undefined && mode !== 'allow' && mode !== 'enqueue') {
    throw new RuleViolation('session_busy', `run ${holder} holds the session`, { run_id: holder });
  }
  const run = birth(mode === 'enqueue' ? holders : []);
  return [{ type: 'SessionRunClaimed', data: { run, active: [...holders, runId] } }];
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);

function expectLive(session: SessionState, expected?: number): void {
  if (session.deleted_at !== null) throw new RuleViolation('session_deleted', 'the session was deleted');
  if (expected !== undefined && expected !== session.revision) {
    throw new RuleViolation(
      'revision_mismatch',
      `the session is at revision ${session.revision}, not ${expected}`,
    );
  }
}
