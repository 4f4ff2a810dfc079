import { Injectable } from '@nestjs/common';
import { type Causation, EventStore, Streams } from '#eventsourcing';
import { arrayOf } from '#postgres';
import { Database } from '#read-models';
import {
  type Cause,
  type Eager,
  type HeldBy,
  millisecondsSql,
  type Piece,
  type RemovalRecord,
  RetainedContent,
  type Stored,
  type Subject,
} from '#retention';
import { isOver, runDecider, activeStatuses, runStream } from '#runs';
import { purgeLog } from './log-changes.decider.js';
import { logDecider } from './log.decider.js';
import { type LogLine, logStreamOf } from './log.events.js';

/** Few at once: appends come first. */
const together = 3;
const chunksOfPage = 50;
/** The logs of runs as retention looks at them: a subject is a run, a piece is a chunk. */
@Injectable()
export class RetainedLogs extends RetainedContent {
  readonly kind = 'logs';
  readonly projection = 'logs';
  readonly tables = ['logs.chunks'];

  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly store: EventStore,
  ) {
    super();
  }

  subjects(project: string, { dated, bytes }: Eager, after: string, limit: number): Promise<Subject[]> {
    return this.database.query<Subject>(
      `SELECT l.run_id AS id, r.session_id, r.user_id, r.status <> ALL ($6::text[]) AS over,
         l.bytes::double precision AS bytes, ${millisecondsSql('l.oldest')} AS oldest
       FROM logs.runs l JOIN runs.runs r ON r.id = l.run_id
       WHERE r.project_id = $1 AND l.run_id > $2 AND l.oldest IS NOT NULL AND (l.oldest <= $3 OR l.bytes > $4)
       ORDER BY l.run_id LIMIT $5`,
      [project, after, dated, bytes, limit, activeStatuses],
    );
  }

  pieces(behind: ReadonlyMap<string, number>, limit: number): Promise<Piece[]> {
    return this.database.query<Piece>(
      `SELECT b.run_id AS subject_id, c.*, '{}'::text[] AS run_ids, '{}'::text[] AS user_ids, true AS over
       FROM unnest($1::uuid[], $2::bigint[]) AS b(run_id, seq)
       CROSS JOIN LATERAL (
         SELECT first_seq::double precision, last_seq::double precision, octet_length(entries) AS bytes,
           ${millisecondsSql('dated')} AS dated, ${millisecondsSql('from_ts')} AS "from",
           ${millisecondsSql('to_ts')} AS "to", revision::double precision
         FROM logs.chunks c WHERE c.run_id = b.run_id AND c.first_seq > b.seq ORDER BY c.first_seq LIMIT $3) c
       ORDER BY b.run_id, c.first_seq`,
      [arrayOf([...behind.keys()]), arrayOf([...behind.values()]), limit],
    );
  }

  async belongsTo({ id }: RemovalRecord): Promise<HeldBy & { readonly over: boolean }> {
    const { state: run } = await this.streams.load(runDecider, runStream(id));
    const user_ids = run === undefined ? [] : [run.user_id];
    const over = run !== undefined && isOver(run);
    return { run_ids: [id], session_id: run?.session_id ?? null, user_ids, over };
  }

  async isRemoved({ id, through_seq }: RemovalRecord): Promise<boolean> {
    const { state } = await this.streams.load(logDecider, logStreamOf(id));
    return (state.purged?.through_seq ?? 0) >= through_seq;
  }

  async *lines({ id, after_seq, through_seq }: RemovalRecord): AsyncGenerator<string> {
    for (let behind = after_seq; behind < through_seq;) {
      const chunks = await this.database.query<{ first_seq: string; last_seq: string; entries: string }>(
        `SELECT first_seq, last_seq, entries FROM logs.chunks
         WHERE run_id = $1 AND first_seq > $2 AND last_seq <= $3 ORDER BY first_seq LIMIT ${chunksOfPage}`,
        [id, behind, through_seq],
      );
      for (const chunk of chunks) {
        const lines = JSON.parse(chunk.entries) as LogLine[];
        for (const [n, line] of lines.entries()) {
          yield `${JSON.stringify({ run_id: id, seq: Number(chunk.first_seq) + n, ...line })}\n`;
        }
      }
      const last = chunks.at(-1);
      if (last === undefined) throw new Error(`lines of run ${id} behind ${behind} are not there to be read`);
      behind = Number(last.last_seq);
    }
  }

  async remove(removals: readonly RemovalRecord[], cause: Cause, by: Causation): Promise<bigint> {
    const digests = await this.digests(removals);
    const left = new Map<string, RemovalRecord[]>();
    for (const removal of removals) left.set(removal.id, [...(left.get(removal.id) ?? []), removal]);
    const gone = new Map<string, number>();
    let newest = 0n;
    const runs = left.values();
    const worker = async (): Promise<void> => {
      for (const ofRun of runs) {
        for (const removal of ofRun) {
          const stream = logStreamOf(removal.id);
          const range = { ...removal, digests: digests.get(removal) ?? [] };
          const { state, position = 0n } = await this.streams.execute(logDecider, stream, by, (log) =>
            purgeLog(log, range, cause),
          );
          if (position > newest) newest = position;
          if ((state.purged?.through_seq ?? 0) >= removal.through_seq) gone.set(stream, removal.revision);
        }
      }
    };
    await Promise.all(Array.from({ length: together }, worker));
    await this.store.truncateAllBefore(gone);
    return newest;
  }

  async stored(id: string): Promise<Stored> {
    const [run] = await this.database.query<Stored>(
      `SELECT (last_seq - purged_seq)::double precision AS count, bytes::double precision AS bytes,
         ${millisecondsSql('oldest')} AS oldest, purged_seq::double precision AS purged_count,
         coalesce((purged->>'bytes')::double precision, 0) AS purged_bytes
       FROM logs.runs WHERE run_id = $1`,
      [id],
    );
    return run ?? { count: 0, bytes: 0, oldest: null, purged_count: 0, purged_bytes: 0 };
  }

  /** Of the chunks of each removal, in order; computed where they lie. */
  private async digests(removals: readonly RemovalRecord[]): Promise<Map<RemovalRecord, Buffer[]>> {
    const rows = await this.database.query<{ n: number; digest: Buffer }>(
      `SELECT r.n::int, sha256(convert_to(c.entries, 'UTF8')) AS digest
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS r(run_id, after_seq, through_seq, n)
       JOIN logs.chunks c ON c.run_id = r.run_id AND c.first_seq > r.after_seq AND c.last_seq <= r.through_seq
       ORDER BY r.n, c.first_seq`,
      [
        arrayOf(removals.map(({ id }) => id)),
        arrayOf(removals.map(({ after_seq }) => after_seq)),
        arrayOf(removals.map(({ through_seq }) => through_seq)),
      ],
    );
    const digests = new Map<RemovalRecord, Buffer[]>();
    for (const { n, digest } of rows) {
      const removal = removals[n - 1];
      if (removal === undefined) continue;
      const known = digests.get(removal);
      if (known === undefined) digests.set(removal, [digest]);
      else known.push(digest);
    }
    return digests;
  }
}
