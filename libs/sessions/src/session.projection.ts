import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf, jsonLines } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, Projection, wellFormed } from '#read-models';
import type { ProcessFact } from '#processes';
import type { RunFact } from '#runs';
import type { ScheduleFact } from '#schedules';
import type { SessionState } from './session.decider.js';
import { sessionDecider } from './session.decider.js';
import type { PinFact, SessionFact } from './session.events.js';
import { pinStreams } from './session.events.js';
import {
  counted,
  countedAnew,
  countedProcess,
  countedSchedule,
  noFigures,
  type SessionFigures,
  statusOf,
} from './session.figures.js';
import { wordsOf } from './session-words.js';

/** A row: the session's own state, and the figures of its runs. */
export interface SessionRow {
  readonly id: string;
  readonly doc: SessionState | null;
  readonly figures: SessionFigures;
}

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
  readonly version = 10;
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

  readonly indexes = `
    CREATE INDEX sessions_project ON sessions (project_id, id) WHERE live;
    CREATE INDEX sessions_in_use ON sessions (project_id, id) WHERE live AND NOT empty AND NOT archived;
    CREATE INDEX sessions_archived ON sessions (project_id, id) WHERE live AND archived;
    CREATE INDEX sessions_user ON sessions (project_id, user_id, id) WHERE live;
    CREATE INDEX sessions_status ON sessions (project_id, status, id) WHERE live;
    CREATE INDEX sessions_external_id ON sessions (project_id, external_id) WHERE external_id IS NOT NULL;
    CREATE INDEX sessions_alias ON sessions (project_id, ${indexedAlias('alias')}) WHERE alias IS NOT NULL;
    CREATE INDEX sessions_parent ON sessions (parent_session_id, id) WHERE parent_session_id IS NOT NULL;
    CREATE INDEX words_words ON words USING gin (words public.gin_trgm_ops);
    CREATE INDEX words_letters ON words USING gin (letters public.gin_trgm_ops);
    CREATE INDEX tags_tag ON tags (project_id, tag, session_id);`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    await this.storePins(sql, events);
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
    if (after.size === 0) return;
    const rows = [...after.values()];
    const changed = rows.filter((row) => !sameTags(row, before.get(row.id)));
    // Most of what happens is of runs, and leaves all of a session but its figures as it was.
    const onlyCounted = ({ id, doc, figures }: SessionRow): boolean =>
      before.get(id)?.doc === doc && before.get(id)?.figures.preview === figures.preview;
    const written = [
      ...Array.from(chunks(rows.filter((row) => !onlyCounted(row))), (some) => this.store(sql, some)),
      ...Array.from(chunks(rows.filter(onlyCounted)), (some) => this.storeFigures(sql, some)),
    ];
    const said = rows.filter((row) => !sameWords(row, before.get(row.id)));
    written.push(...Array.from(chunks(said), (some) => this.storeWords(sql, some)));
    await Promise.all([...written, this.storeTags(sql, changed, before)]);
  }

  private async store(sql: Sql, rows: readonly SessionRow[]): Promise<void> {
    await sql.query(
      `INSERT INTO sessions (id, project_id, user_id, external_id, alias, parent_session_id, status, empty,
         live, archived, doc, figures, tags)
       SELECT id, project_id, user_id, external_id, alias, parent, status, empty, live, archived, doc,
         figures, ARRAY(SELECT json_array_elements_text(tags)) FROM unnest($1::uuid[], $2::text[],
         $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::boolean[], $9::boolean[], $10::boolean[],
         string_to_array($11, E'\\n', '')::json[], string_to_array($12, E'\\n', '')::json[],
         string_to_array($13, E'\\n', '')::json[])
         AS r(id, project_id, user_id, external_id, alias, parent, status, empty, live, archived, doc, figures,
           tags)
       ON CONFLICT (id) DO UPDATE SET project_id = excluded.project_id, user_id = excluded.user_id,
         external_id = excluded.external_id, alias = excluded.alias,
         parent_session_id = excluded.parent_session_id, status = excluded.status,
         empty = excluded.empty, live = excluded.live, archived = excluded.archived, doc = excluded.doc, figures = excluded.figures,
         tags = excluded.tags`,
      [
        arrayOf(rows.map(({ id }) => id)),
        ...(['project_id', 'user_id', 'external_id', 'alias', 'parent_session_id'] as const).map((column) =>
          arrayOf(rows.map(({ doc }) => doc?.[column])),
        ),
        arrayOf(rows.map(({ doc, figures }) => statusOf(doc, figures))),
        arrayOf(rows.map(isEmpty)),
        arrayOf(rows.map(({ doc }) => doc !== null && doc.deleted_at === null)),
        arrayOf(rows.map(({ doc }) => doc !== null && doc.archived_at !== null)),
        jsonLines(rows.map(({ doc }) => (doc === null ? null : JSON.stringify(doc)))),
        jsonLines(rows.map(({ figures }) => JSON.stringify(figures))),
        jsonLines(rows.map((row) => JSON.stringify(storableTags(row)))),
      ],
    );
  }

  private async storeFigures(sql: Sql, rows: readonly SessionRow[]): Promise<void> {
    await sql.query(
      `UPDATE sessions s SET status = r.status, empty = r.empty, figures = r.figures
       FROM unnest($1::uuid[], $2::text[], $3::boolean[], string_to_array($4, E'\\n')::json[])
         AS r(id, status, empty, figures) WHERE s.id = r.id`,
      [
        arrayOf(rows.map(({ id }) => id)),
        arrayOf(rows.map(({ doc, figures }) => statusOf(doc, figures))),
        arrayOf(rows.map(isEmpty)),
        jsonLines(rows.map(({ figures }) => JSON.stringify(figures))),
      ],
    );
  }

  private async storeWords(sql: Sql, rows: readonly SessionRow[]): Promise<void> {
    const said = rows.map(({ doc, figures }) => wordsOf(doc?.title, figures.preview));
    await sql.query(
      `INSERT INTO words (session_id, words, letters) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])
       ON CONFLICT (session_id) DO UPDATE SET words = excluded.words, letters = excluded.letters`,
      [
        arrayOf(rows.map(({ id }) => id)),
        arrayOf(said.map(({ words }) => words)),
        arrayOf(said.map(({ letters }) => letters)),
      ],
    );
  }

  /** The last that a batch says of a user's pin is what counts. */
  private async storePins(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const last = new Map<string, PinFact>();
    for (const event of events) {
      if (!event.stream.startsWith(pinStreams)) continue;
      const fact = event as Fact as PinFact;
      last.set(`${fact.data.session_id} ${fact.data.user_id}`, fact);
    }
    const facts = [...last.values()];
    for (const type of ['SessionUnpinned', 'SessionPinned'] as const) {
      const some = facts.filter((fact) => fact.type === type);
      if (some.length === 0) continue;
      const rows = 'unnest($1::uuid[], $2::uuid[])';
      await sql.query(
        type === 'SessionPinned'
          ? `INSERT INTO pins SELECT * FROM ${rows} ON CONFLICT DO NOTHING`
          : `DELETE FROM pins WHERE (session_id, user_id) IN (SELECT * FROM ${rows})`,
        [arrayOf(some.map(({ data }) => data.session_id)), arrayOf(some.map(({ data }) => data.user_id))],
      );
    }
  }

  private async storeTags(
    sql: Sql,
    rows: readonly SessionRow[],
    before: ReadonlyMap<string, SessionRow>,
  ): Promise<void> {
    const known = rows.filter(({ id }) => before.has(id)).map(({ id }) => id);
    if (known.length > 0)
      await sql.query('DELETE FROM tags WHERE session_id = ANY ($1::uuid[])', [arrayOf(known)]);
    const tags = rows.flatMap((row) =>
      [...new Set(storableTags(row))].map((tag) => [row.id, row.doc?.project_id, tag] as const),
    );
    if (tags.length === 0) return;
    await sql.query(
      `INSERT INTO tags (session_id, project_id, tag) SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])`,
      ([0, 1, 2] as const).map((n) => arrayOf(tags.map((tag) => tag[n]))),
    );
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
  if (event.stream.startsWith(transcripts)) {
    return row.figures.has_transcript ? row : { ...row, figures: { ...row.figures, has_transcript: true } };
  }
  if (event.stream.startsWith(schedules)) {
    const figures = countedSchedule(row.figures, event as Fact as ScheduleFact);
    return figures === row.figures ? row : { ...row, figures };
  }
  const figures = event.stream.startsWith(processes)
    ? countedProcess(row.figures, event as Fact as ProcessFact)
    : counted(row.figures, event as Fact as RunFact, event);
  return figures === row.figures ? row : { ...row, figures };
}

/** A fork has history, if none of its own. */
const isEmpty = ({ doc, figures: { run_counts, has_transcript } }: SessionRow): boolean =>
  !has_transcript && doc?.forked_from == null && Object.values(run_counts).every((count) => count === 0);
const storableTags = ({ doc }: SessionRow): string[] => (doc?.tags ?? []).map(wellFormed);
const tagsOf = (row: SessionRow | undefined): string => JSON.stringify(row?.doc?.tags ?? []);
const sameTags = (a: SessionRow, b: SessionRow | undefined): boolean =>
  a.doc === b?.doc || tagsOf(a) === tagsOf(b);
const sameWords = (a: SessionRow, b: SessionRow | undefined): boolean =>
  a.doc?.title === b?.doc?.title && a.figures.preview === b?.figures.preview;
