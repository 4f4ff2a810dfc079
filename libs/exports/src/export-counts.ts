import type { Database } from '#read-models';
import { inPart, partsOf } from '#transcripts';

/** How much an export holds: what comes later is left out, so that these are kept. */
export interface Counts {
  readonly runs: number;
  readonly events: number;
  readonly segments: number;
  readonly interactions: number;
  readonly schedules: number;
  readonly mounts: number;
  readonly log_entries: number;
}

/** Counts in one statement. @param id of the session */
export async function countsOf(database: Database, id: string): Promise<Counts> {
  const [row] = await database.query<Record<keyof Counts, string>>(
    `WITH own AS (SELECT id FROM runs.runs WHERE session_id = $1)
     SELECT (SELECT count(*) FROM own) AS runs,
       coalesce((SELECT max(last_seq) FROM timeline.segments WHERE session_id = $1), 0) AS events,
       (SELECT count(*) FROM ${partsOf('$1::uuid')} p JOIN transcripts.segments ON transcript_id = p.owner_id
        WHERE ${inPart}) + (SELECT count(*) FROM transcripts.segments
        WHERE transcript_id IN (SELECT id FROM own)) AS segments,
       (SELECT count(*) FROM interactions.interactions WHERE session_id = $1) AS interactions,
       (SELECT count(*) FROM schedules.schedules WHERE session_id = $1) AS schedules,
       (SELECT count(*) FROM mounts.mounts WHERE session_id = $1) AS mounts,
       coalesce((SELECT sum(last_seq - purged_seq) FROM logs.runs WHERE run_id IN (SELECT id FROM own)), 0) AS log_entries`,
    [id],
  );
  const of = (name: keyof Counts): number => Number(row?.[name] ?? 0);
  return {
    runs: of('runs'),
    events: of('events'),
    segments: of('segments'),
    interactions: of('interactions'),
    schedules: of('schedules'),
    mounts: of('mounts'),
    log_entries: of('log_entries'),
  };
}
