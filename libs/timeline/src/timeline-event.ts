import type { Fact, JsonObject, RecordedEvent } from '#eventsourcing';
import type { RunFact } from '#runs';
import type { SessionFact } from '#sessions';

/** Where an event stands in a feed. */
export interface FeedNumbers {
  /** In its run, or in its session where that is what is read; a session's event has none in a project's feed. */
  readonly sequence_number?: number;
  /** Place in the global order; in a project's feed alone. */
  readonly position?: number;
}

/** An event of a timeline as the API shows it. */
export interface ShownEvent extends FeedNumbers {
  readonly id: string;
  readonly type: string;
  readonly run_id?: string;
  readonly session_id?: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly created_at: string;
  /** Principal id of who did it. */
  readonly actor: string;
  readonly data: JsonObject;
}

const runPrefix = 'run-';
const sessionPrefix = 'session-';

/** The streams whose events make timelines. */
export const timelineStreams = [runPrefix, sessionPrefix];

export const runIdOf = (stream: string): string | undefined =>
  stream.startsWith(runPrefix) ? stream.slice(runPrefix.length) : undefined;

export const sessionIdOf = (stream: string): string | undefined =>
  stream.startsWith(sessionPrefix) ? stream.slice(sessionPrefix.length) : undefined;

/** The session that an event of a run names, if it names one. */
export const sessionToldBy = ({ data }: RecordedEvent): string | undefined =>
  (data as { session_id?: string }).session_id;

/**
 * Whether an event of a run names the session of the run, when that has one: a change of its fields or its lease
 * may be of a time when they did not.
 */
export const tellsSession = ({ type }: RecordedEvent): boolean =>
  type !== 'RunUpdated' && type !== 'RunLeaseExtended';

/**
 * What a stored event is in a timeline; undefined when it is in none.
 * @param session the session of the event's run, if it has one
 */
export function timelineEvent(
  event: RecordedEvent,
  session?: string,
  numbers: FeedNumbers = {},
): ShownEvent | undefined {
  const run = runIdOf(event.stream);
  const told = run === undefined ? ofSession(event as Fact as SessionFact) : ofRun(event as Fact as RunFact);
  if (told === undefined) return undefined;
  const session_id = run === undefined ? sessionIdOf(event.stream) : session;
  const { at: created_at, actor } = event.metadata;
  return {
    id: told.id ?? event.id,
    type: told.type,
    ...(run !== undefined && { run_id: run }),
    ...(session_id !== undefined && { session_id }),
    created_at,
    actor,
    data: told.data as JsonObject,
    ...numbers,
  };
}

/** Where an event stands in the feed of its project. */
export const numbersInProject = ({ stream, revision, position }: RecordedEvent): FeedNumbers =>
  runIdOf(stream) === undefined
    ? { position: Number(position) }
    : { sequence_number: revision + 1, position: Number(position) };

interface Told {
  readonly type: string;
  readonly data: object;
  readonly id?: string;
}

const lifecycle = {
  RunRequeued: 'run.requeued',
  RunCompleted: 'run.completed',
  RunFailed: 'run.failed',
  RunCancelled: 'run.cancelled',
  RunUpdated: 'run.updated',
  RunUsageRecorded: 'run.updated',
} as const;

/** Of a lease, its id is between the service and its worker. */
const shown = ({ worker_id, expires_at }: { worker_id?: string; expires_at: string }): object => ({
  ...(worker_id !== undefined && { worker_id }),
  expires_at,
});

function ofRun(fact: RunFact): Told {
  switch (fact.type) {
    case 'RunCreated': {
      const { run_id: _id, session_id: _session, behind: _behind, ...data } = fact.data;
      return { type: 'run.created', data };
    }
    case 'RunEventRecorded': {
      const { id, type, data } = fact.data;
      return { type, data, ...(id !== undefined && { id }) };
    }
    case 'RunStarted': {
      const { session_id: _session, lease, ...data } = fact.data;
      return { type: 'run.started', data: lease === undefined ? data : { ...data, lease: shown(lease) } };
    }
    case 'RunLeaseExtended':
      return { type: 'run.updated', data: { lease: shown(fact.data) } };
    default: {
      const { session_id: _session, ...data } = fact.data as { session_id?: string };
      return { type: lifecycle[fact.type], data };
    }
  }
}

function ofSession(fact: SessionFact): Told | undefined {
  switch (fact.type) {
    case 'SessionCreated': {
      const { session_id: _id, inherited: _inherited, ...data } = fact.data;
      return { type: data.forked_from === undefined ? 'session.created' : 'session.forked', data };
    }
    case 'SessionUpdated':
    case 'SessionAliasChanged':
      return { type: 'session.updated', data: fact.data };
    case 'SessionArchived':
      return { type: 'session.archived', data: {} };
    case 'SessionUnarchived':
      return { type: 'session.unarchived', data: {} };
    case 'SessionPaused':
      return { type: 'session.updated', data: { paused: true, ...fact.data } };
    case 'SessionResumed':
      return { type: 'session.updated', data: { paused: false, ...fact.data } };
    case 'SessionCompactionRequested':
      return { type: 'session.updated', data: fact.data };
    case 'SessionDeleted':
      return { type: 'session.deleted', data: {} };
    case 'SessionRunClaimed':
      return undefined;
  }
}
