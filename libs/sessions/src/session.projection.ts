import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import type { ProcessFact } from '#processes';
import type { RunFact } from '#runs';
import type { SchedulesFact } from '#schedules';
import { countedProcess } from './process-counts.js';
import { sessionDecider } from './session.decider.js';
import type { PinFact, SessionFact } from './session.events.js';
import { pinStreams } from './session.events.js';
import { counted, countedAnew, noFigures, type SessionFigures } from './session.figures.js';
import { type SessionRow, storePins, storeRows } from './session.rows.js';
import { countedSchedule } from './session.schedules.js';

/** What stands for an alias in its index, whose rows must not be as long as an alias may be. */
export const indexedAlias = (alias: string): string => `left(${alias}, 200)`;

/**
 * Whether a user has pinned the session `s`, as SQL; looked up row by row, which EXISTS might not be.
 * @param user the name of a parameter
 */
export const pinnedBy = (user: string): string =>
  `coalesce((SELECT true FROM sessions.pins p WHERE p.session_id = s.id AND p.user_id = ${user}::uuid), false)`;

/** Streams of transcripts; those of sessions name the session where segments are appended. */
const transcripts = 'transcript-';
/** Streams of processes; each event of those that are counted names the session of its run. */
const processes = 'process-';
/** Streams of schedules, each named by its session. */
const schedules = 'schedules-';

/**
 * One row per session: its own state in `doc`, what follows from its runs in `figures`, and the columns
 * that lists are filtered by. As with runs, ids are in the order of creation and end every index.
 */
export class SessionsProjection extends Projection {
  readonly name = 'sessions';
  readonly version = 11;
  readonly prefixes = ['session-', 'run-', transcripts, processes, schedules, pinStreams];

  readonly tables = `
    CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;

    CREATE TABLE sessions (
      id uuid PRIMARY KEY,
      project_id text COLLATE "C",
      user_id uuid,
      external_id text COLLATE "C",
      alias text COLLATE "C",
      parent_session_id uuid,
      status text COLLATE "C" NOT NULL,
      tags text[] NOT NULL,
      empty boolean NOT NULL,
      archived boolean NOT NULL,
      live boolean NOT NULL,
      doc json,
      figures json NOT NULL
    ) WITH (fillfactor = 80);

    -- One row per session and tag, so that a tag is an index range too.
    CREATE TABLE tags (
      session_id uuid NOT NULL,
      project_id text COLLATE "C" NOT NULL,
      tag text COLLATE "C" NOT NULL,
      PRIMARY KEY (session_id, tag)
    );

    -- What a search looks at: title and preview. Apart, for sessions change often, and these words hardly ever.
    CREATE TABLE words (
      session_id uuid PRIMARY KEY,
      words text COLLATE "C" NOT NULL,
      letters text COLLATE "C" NOT NULL
    );

    CREATE TABLE pins (
      session_id uuid NOT NULL,
      user_id uuid NOT NULL,
      PRIMARY KEY (session_id, user_id)
    );

    -- The finer the statistics, the better it is foreseen whether a search is to walk a list or the words.
    ALTER TABLE words ALTER COLUMN words SET STATISTICS 300, ALTER COLUMN letters SET STATISTICS 300;`;

  /** Those that take longest first, for two are made at a time. */
  readonly indexes = `
    CREATE INDEX words_words ON words USING gin (words public.gin_trgm_ops);
    CREATE INDEX words_letters ON words USING gin (letters public.gin_trgm_ops);
    CREATE INDEX sessions_project ON sessions (project_id, id) WHERE live;
    CREATE INDEX sessions_in_use ON sessions (project_id, id) WHERE live AND NOT empty AND NOT archived;
    CREATE INDEX sessions_archived ON sessions (project_id, id) WHERE live AND archived;
    CREATE INDEX sessions_user ON sessions (project_id, user_id, id) WHERE live;
    CREATE INDEX sessions_status ON sessions (project_id, status, id) WHERE live;
    CREATE INDEX sessions_external_id ON sessions (project_id, external_id) WHERE external_id IS NOT NULL;
    CREATE INDEX sessions_alias ON sessions (project_id, ${indexedAlias('alias')}) WHERE alias IS NOT NULL;
    CREATE INDEX sessions_parent ON sessions (parent_session_id, id) WHERE parent_session_id IS NOT NULL;
    CREATE INDEX tags_tag ON tags (project_id, tag, session_id);`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    await storePins(
      sql,
      events.filter(({ stream }) => stream.startsWith(pinStreams)).map((event) => event as Fact as PinFact),
    );
    const touched = new Set(events.map(sessionOf).filter((id) => id !== undefined));
    if (touched.size === 0) return;
    const stored = await sql.query<SessionRow>(
      'SELECT id, doc, figures FROM sessions WHERE id = ANY ($1::uuid[])',
      [arrayOf([...touched])],
    );
    const before = new Map(stored.map((row) => [row.id, row]));
    const after = new Map<string, SessionRow>();
    for (const event of events) {
      const id = sessionOf(event);
      if (id === undefined) continue;
      const known = after.get(id) ?? before.get(id);
      const row = folded(known ?? { id, doc: null, figures: noFigures }, event);
      if (row !== known) after.set(id, row);
    }
    await storeRows(sql, [...after.values()], before);
  }
}

/** The session that an event speaks of: its own stream's, or the one that its run or transcript belongs to. */
function sessionOf(event: RecordedEvent): string | undefined {
  if (event.stream.startsWith('session-')) return event.stream.slice('session-'.length);
  if (event.stream.startsWith(schedules)) return event.stream.slice(schedules.length);
  if (event.stream.startsWith(pinStreams)) return undefined;
  if (event.type === 'RunEventRecorded' && !tellsOfSession(event)) return undefined;
  return (event.data as { session_id?: string }).session_id;
}

const telling = new Set([
  'user',
  'message.output.completed',
  'completion',
  'context',
  'interaction.requested',
  'interaction.resolved',
]);

/** Most of what a timeline tells changes nothing in its session's row, which need not be read for it. */
const tellsOfSession = ({ data }: RecordedEvent): boolean => telling.has((data as { type: string }).type);

function folded(row: SessionRow, event: RecordedEvent): SessionRow {
  if (event.stream.startsWith('session-')) {
    const fact = event as Fact as SessionFact;
    const doc = sessionDecider.evolve(row.doc ?? undefined, fact, event);
    return { ...row, doc: doc ?? null, figures: countedAnew(row.figures, fact) };
  }
  const figures = figuresAfter(row.figures, event);
  return figures === row.figures ? row : { ...row, figures };
}

/** What an event of another stream changes: the very same figures when it changes nothing. */
function figuresAfter(figures: SessionFigures, event: RecordedEvent): SessionFigures {
  const { stream } = event;
  if (stream.startsWith(transcripts))
    return figures.has_transcript ? figures : { ...figures, has_transcript: true };
  if (stream.startsWith(schedules)) return countedSchedule(figures, event as Fact as SchedulesFact);
  if (!stream.startsWith(processes)) return counted(figures, event as Fact as RunFact, event);
  const process_counts = countedProcess(figures.process_counts, event as Fact as ProcessFact);
  return process_counts === figures.process_counts ? figures : { ...figures, process_counts };
}
