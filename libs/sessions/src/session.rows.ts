import { arrayOf, jsonArray } from '#postgres';
import type { Sql } from '#read-models';
import { chunks, wellFormed } from '#read-models';
import type { SessionState } from './session.decider.js';
import type { PinFact } from './session.events.js';
import { type SessionFigures, statusOf } from './session.figures.js';
import { wordsOf } from './session-words.js';

/** A row: the session's own state, and the figures of its runs. */
export interface SessionRow {
  readonly id: string;
  readonly doc: SessionState | null;
  readonly figures: SessionFigures;
}

/**
 * Writes sessions and what they are found by: tags and words. What has not changed is left alone.
 * @param before the same rows as they are stored, by id
 */
export async function storeRows(
  sql: Sql,
  rows: readonly SessionRow[],
  before: ReadonlyMap<string, SessionRow>,
): Promise<void> {
  const changed = rows.filter((row) => !sameTags(row, before.get(row.id)));
  // Most of what happens is of runs, and leaves all of a session but its figures as it was.
  const onlyCounted = ({ id, doc, figures }: SessionRow): boolean =>
    before.get(id)?.doc === doc && before.get(id)?.figures.preview === figures.preview;
  const written = [
    ...Array.from(chunks(rows.filter((row) => !onlyCounted(row))), (some) => storeWhole(sql, some)),
    ...Array.from(chunks(rows.filter(onlyCounted)), (some) => storeFigures(sql, some)),
  ];
  const said = rows.filter((row) => !sameWords(row, before.get(row.id)));
  written.push(...Array.from(chunks(said), (some) => storeWords(sql, some)));
  await Promise.all([...written, storeTags(sql, changed, before)]);
}

async function storeWhole(sql: Sql, rows: readonly SessionRow[]): Promise<void> {
  await sql.query(
    `INSERT INTO sessions (id, project_id, user_id, external_id, alias, parent_session_id, status, empty,
       live, archived, doc, figures, tags)
     SELECT id, project_id, user_id, external_id, alias, parent, status, empty, live, archived, doc,
       figures, ARRAY(SELECT json_array_elements_text(tags)) FROM unnest($1::uuid[], $2::text[],
       $3::uuid[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::boolean[], $9::boolean[], $10::boolean[],
       $11::json[], $12::json[], $13::json[])
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
      jsonArray(rows.map(({ doc }) => (doc === null ? null : JSON.stringify(doc)))),
      jsonArray(rows.map(({ figures }) => JSON.stringify(figures))),
      jsonArray(rows.map((row) => JSON.stringify(storableTags(row)))),
    ],
  );
}

async function storeFigures(sql: Sql, rows: readonly SessionRow[]): Promise<void> {
  await sql.query(
    `UPDATE sessions s SET status = r.status, empty = r.empty, figures = r.figures
     FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::json[])
       AS r(id, status, empty, figures) WHERE s.id = r.id`,
    [
      arrayOf(rows.map(({ id }) => id)),
      arrayOf(rows.map(({ doc, figures }) => statusOf(doc, figures))),
      arrayOf(rows.map(isEmpty)),
      jsonArray(rows.map(({ figures }) => JSON.stringify(figures))),
    ],
  );
}

async function storeWords(sql: Sql, rows: readonly SessionRow[]): Promise<void> {
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

/** Writes who has pinned what; the last that is said of a user's pin is what counts. */
export async function storePins(sql: Sql, said: readonly PinFact[]): Promise<void> {
  const last = new Map(said.map((fact) => [`${fact.data.session_id} ${fact.data.user_id}`, fact]));
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

async function storeTags(
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

/** A fork has history, if none of its own. */
const isEmpty = ({ doc, figures: { run_counts, has_transcript } }: SessionRow): boolean =>
  !has_transcript && doc?.forked_from == null && Object.values(run_counts).every((count) => count === 0);
const storableTags = ({ doc }: SessionRow): string[] => (doc?.tags ?? []).map(wellFormed);
const tagsOf = (row: SessionRow | undefined): string => JSON.stringify(row?.doc?.tags ?? []);
const sameTags = (a: SessionRow, b: SessionRow | undefined): boolean =>
  a.doc === b?.doc || tagsOf(a) === tagsOf(b);
const sameWords = (a: SessionRow, b: SessionRow | undefined): boolean =>
  a.doc?.title === b?.doc?.title && a.figures.preview === b?.figures.preview;
