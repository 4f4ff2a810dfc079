import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { type Causation, EventStore, type Fact, type RecordedEvent, Streams } from '#eventsourcing';
import { arrayOf } from '#postgres';
import { Database, wellFormedJson } from '#read-models';
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
import { bytesIn } from './output-content.js';
import { processDecider, purgeOutput } from './process.decider.js';
import { type PurgedStream, processStream } from './process.events.js';
import { outputStreamOf, type ProcessOutputWritten } from './process-output.events.js';

const doc = wellFormedJson('doc');

/**
 * What processes wrote, as retention looks at it: a subject is a run, a piece is all that one process has left,
 * its `seq` the number of the process among those of the run, by their ends.
 */
@Injectable()
export class RetainedOutput extends RetainedContent {
  readonly kind = 'process_output';
  readonly projection = 'processes';
  readonly tables = [];

  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly store: EventStore,
  ) {
    super();
  }

  subjects(project: string, { dated, bytes }: Eager, after: string, limit: number): Promise<Subject[]> {
    return this.database.query<Subject>(
      `SELECT p.run_id AS id, r.session_id, r.user_id, r.status <> ALL ($6::text[]) AS over,
         sum(p.output_bytes)::double precision AS bytes, ${millisecondsSql('min(p.ended_at)')} AS oldest
       FROM processes.processes p JOIN runs.runs r ON r.id = p.run_id
       WHERE r.project_id = $1 AND p.run_id > $2 AND p.output_bytes > 0
       GROUP BY p.run_id, r.session_id, r.user_id, r.status
       HAVING min(p.ended_at) <= $3 OR sum(p.output_bytes) > $4
       ORDER BY p.run_id LIMIT $5`,
      [project, after, dated, bytes, limit, activeStatuses],
    );
  }

  pieces(behind: ReadonlyMap<string, number>, limit: number): Promise<Piece[]> {
    return this.database.query<Piece>(
      `SELECT b.run_id AS subject_id, p.*, 0::double precision AS revision, ARRAY[b.run_id::text] AS run_ids,
         '{}'::text[] AS user_ids, true AS over
       FROM unnest($1::uuid[], $2::bigint[]) AS b(run_id, seq)
       CROSS JOIN LATERAL (
         SELECT output_seq::double precision AS first_seq, output_seq::double precision AS last_seq,
           output_bytes::double precision AS bytes, ${millisecondsSql('ended_at')} AS dated,
           ${millisecondsSql(`(${doc}->>'created_at')::timestamptz`)} AS "from", ${millisecondsSql('ended_at')} AS "to"
         FROM processes.processes p WHERE p.run_id = b.run_id AND p.output_seq > b.seq AND p.output_bytes > 0
         ORDER BY p.output_seq LIMIT $3) p
       ORDER BY b.run_id, p.first_seq`,
      [arrayOf([...behind.keys()]), arrayOf([...behind.values()]), limit],
    );
  }

  /** A process has a number once it has ended. */
  async belongsTo({ id }: RemovalRecord): Promise<HeldBy & { readonly over: boolean }> {
    const { state: run } = await this.streams.load(runDecider, runStream(id));
    const user_ids = run === undefined ? [] : [run.user_id];
    const over = run !== undefined && isOver(run);
    return { run_ids: [id], session_id: run?.session_id ?? null, user_ids, over };
  }

  /** They are removed one after the other. */
  async isRemoved(removal: RemovalRecord): Promise<boolean> {
    const last = (await this.processes(removal)).at(-1);
    if (last === undefined) return false;
    const { state } = await this.streams.load(processDecider, processStream(last));
    return state?.purged != null;
  }

  async *lines(removal: RemovalRecord): AsyncGenerator<string> {
    for (const process_id of await this.processes(removal)) {
      let count = 0;
      for await (const event of this.streams.read(outputStreamOf(process_id))) {
        count++;
        const { stream, ...piece } = dataOf(event);
        const base64 = bytesIn(piece).toString('base64');
        const line = { process_id, stream, offset: piece[stream], at: event.metadata.at, base64 };
        yield `${JSON.stringify({ run_id: removal.id, ...line })}\n`;
      }
      if (count === 0) throw new Error(`the output of process ${process_id} is not there to be read`);
    }
  }

  async remove(removals: readonly RemovalRecord[], cause: Cause, by: Causation): Promise<bigint> {
    let newest = 0n;
    for (const removal of removals) {
      const gone = new Map<string, number>();
      for (const id of await this.processes(removal)) {
        const { figures, revision } = await this.digest(id);
        const { state, position = 0n } = await this.streams.execute(
          processDecider,
          processStream(id),
          by,
          (process) => purgeOutput(process, { ...figures, cause }),
        );
        if (position > newest) newest = position;
        if (state?.purged != null) gone.set(outputStreamOf(id), revision + 1);
      }
      await this.store.truncateAllBefore(gone);
    }
    return newest;
  }

  async stored(id: string): Promise<Stored> {
    const purged = (stream: string): string => `(${doc}->'purged'->'${stream}'->>'bytes')::bigint`;
    const [stored] = await this.database.query<Stored>(
      `SELECT count(*) FILTER (WHERE output_bytes > 0)::double precision AS count,
         coalesce(sum(output_bytes), 0)::double precision AS bytes,
         ${millisecondsSql('min(ended_at) FILTER (WHERE output_bytes > 0)')} AS oldest,
         count(*) FILTER (WHERE output_bytes = 0)::double precision AS purged_count,
         coalesce(sum(${purged('stdout')} + ${purged('stderr')}), 0)::double precision AS purged_bytes
       FROM processes.processes WHERE run_id = $1 AND output_seq IS NOT NULL`,
      [id],
    );
    return stored ?? { count: 0, bytes: 0, oldest: null, purged_count: 0, purged_bytes: 0 };
  }

  /** The processes that a removal is about, in its order. */
  private async processes({ id, after_seq, through_seq }: RemovalRecord): Promise<string[]> {
    const rows = await this.database.query<{ id: string }>(
      `SELECT id FROM processes.processes WHERE run_id = $1 AND output_seq > $2 AND output_seq <= $3
       ORDER BY output_seq`,
      [id, after_seq, through_seq],
    );
    return rows.map((row) => row.id);
  }

  /** What is stored of a process, and the last revision that it has there, -1 when there is nothing. */
  private async digest(
    id: string,
  ): Promise<{ figures: { stdout: PurgedStream; stderr: PurgedStream }; revision: number }> {
    const [stdout, stderr] = [new Digest(), new Digest()];
    let revision = -1;
    for await (const event of this.streams.read(outputStreamOf(id))) {
      const piece = dataOf(event);
      (piece.stream === 'stdout' ? stdout : stderr).add(bytesIn(piece));
      revision = event.revision;
    }
    return { figures: { stdout: stdout.figures(), stderr: stderr.figures() }, revision };
  }
}

class Digest {
  private bytes = 0;
  private readonly hash = createHash('sha256');

  add(more: Buffer): void {
    this.bytes += more.length;
    this.hash.update(more);
  }

  /** Once, at the end. */
  figures(): PurgedStream {
    return { bytes: this.bytes, sha256: this.hash.digest('hex') };
  }
}

const dataOf = (event: RecordedEvent): ProcessOutputWritten['data'] =>
  (event as Fact as ProcessOutputWritten).data;
