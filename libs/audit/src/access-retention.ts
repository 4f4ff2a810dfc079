import type { Database } from '#read-models';

const mostAtOnce = 10_000;

/** Forgets the records of accesses that are older than so many days. @throws StoreUnavailable */
export async function forgetAccesses(database: Database, days: number): Promise<void> {
  for (;;) {
    const gone = await database.query<{ id: string }>(
      `DELETE FROM audit.accesses WHERE id IN (
         SELECT id FROM (SELECT id, at FROM audit.accesses ORDER BY id LIMIT $2) oldest
         WHERE at < now() - make_interval(days => $1))
       RETURNING id`,
      [days, mostAtOnce],
    );
    if (gone.length < mostAtOnce) return;
  }
}
