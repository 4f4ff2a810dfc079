import type { Pool } from 'pg';
import { arrayOf, query, unavailable } from '#postgres';
import { appendLock } from './append-function.js';

/** Rows deleted in one transaction: short ones let others at the disk and leave little to undo. */
const rowsAtOnce = 2_000;

/**
 * An event behind which another one stands is no append's business, and is deleted beside them. Only the
 * last event of a stream says where the next one goes: it is deleted under the lock of all appends, and
 * its number is kept.
 */
const deleteOlder = `
  WITH due AS (
    SELECT e.position FROM unnest($1::text[], $2::bigint[]) AS t(stream, revision)
    CROSS JOIN LATERAL (
      SELECT e.revision FROM eventstore.events e WHERE e.stream = t.stream ORDER BY e.revision DESC LIMIT 1) last
    CROSS JOIN LATERAL (
      SELECT e.position FROM eventstore.events e
      WHERE e.stream = t.stream AND e.revision < least(t.revision, last.revision)
      ORDER BY e.revision LIMIT ${rowsAtOnce}) e
    LIMIT ${rowsAtOnce})
  DELETE FROM eventstore.events e USING due WHERE e.position = due.position`;

const withLast = `
  SELECT t.stream, t.revision FROM unnest($1::text[], $2::bigint[]) AS t(stream, revision)
  WHERE EXISTS (SELECT FROM eventstore.events e WHERE e.stream = t.stream)
    AND NOT EXISTS (SELECT FROM eventstore.events e WHERE e.stream = t.stream AND e.revision >= t.revision)`;

const deleteLast = `
  WITH gone AS (
    DELETE FROM eventstore.events e USING unnest($1::text[], $2::bigint[]) AS t(stream, revision)
    WHERE e.stream = t.stream AND e.revision < t.revision RETURNING e.stream, e.revision)
  INSERT INTO eventstore.truncated SELECT stream, max(revision) FROM gone GROUP BY stream
  ON CONFLICT (stream) DO UPDATE SET last_revision = excluded.last_revision`;

/** Deletes the events of streams before a revision each. @throws StoreUnavailable */
export async function truncateAllBefore(pool: Pool, revisions: ReadonlyMap<string, number>): Promise<void> {
  const values = [arrayOf([...revisions.keys()]), arrayOf([...revisions.values()])];
  for (;;) {
    const { rowCount } = await query(pool, { name: 'truncate', text: deleteOlder, values });
    if ((rowCount ?? 0) < rowsAtOnce) break;
  }
  const { rows } = await query<{ stream: string; revision: string }>(pool, { text: withLast, values });
  if (rows.length === 0) return;
  const last = [arrayOf(rows.map(({ stream }) => stream)), arrayOf(rows.map(({ revision }) => revision))];
  await locked(pool, deleteLast, last);
}

async function locked(pool: Pool, text: string, values: unknown[]): Promise<void> {
  const client = await pool.connect().catch((error: unknown) => {
    throw unavailable(error);
  });
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [appendLock]);
    await client.query(text, values);
    await client.query('COMMIT');
    client.release();
  } catch (error) {
    client.release(true);
    throw unavailable(error);
  }
}
