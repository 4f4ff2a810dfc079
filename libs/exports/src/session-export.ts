import { Injectable } from '@nestjs/common';
import { type Principal, Streams } from '#eventsourcing';
import { type InteractionState, interactionResource } from '#interactions';
import { readLog } from '#logs';
import { mountResource, type MountState } from '#mounts';
import { Database } from '#read-models';
import { type RunState, runResource } from '#runs';
import { scheduleResource, type ScheduleState } from '#schedules';
import { sessionStateDecider, sessionStateStream, type SessionResource } from '#sessions';
import { SessionFeed } from '#timeline';
import {
  inPart,
  partsOf,
  readTranscript,
  SegmentRetentions,
  type TranscriptOwner,
  TranscriptSeeds,
} from '#transcripts';

/** One line of an export. */
export interface ExportLine {
  readonly type:
    | 'manifest'
    | 'session'
    | 'state'
    | 'run'
    | 'event'
    | 'segment'
    | 'interaction'
    | 'schedule'
    | 'mount'
    | 'log';
  readonly data: object;
}

/** How much an export holds: what comes later is left out, so that these are kept. */
interface Counts {
  readonly runs: number;
  readonly events: number;
  readonly segments: number;
  readonly interactions: number;
  readonly schedules: number;
  readonly mounts: number;
  readonly log_entries: number;
}

interface Row {
  readonly id: string;
  /** What orders the rows. */
  readonly place: string;
  readonly doc: object;
}

const rowsAtOnce = 200;
const entriesAtOnce = 1_000;
const everything = { afterSeq: 0, beforeSeq: Number.MAX_SAFE_INTEGER };

/** Reads everything that a session holds, a page at a time. */
@Injectable()
export class SessionExport {
  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly seeds: TranscriptSeeds,
    private readonly retentions: SegmentRetentions,
  ) {}

  /**
   * A manifest with counts, the session, what its workers keep, its runs, its feed, its transcript and those of its
   * runs, its questions, its schedules and mounts, and the logs of its runs; each in its own order.
   * @throws StoreUnavailable
   */
  async *lines(session: SessionResource, principal: Principal): AsyncGenerator<ExportLine> {
    const { id } = session;
    const { state } = await this.streams.load(sessionStateDecider, sessionStateStream(id));
    const states = state.updated_at === null ? [] : [state];
    const counts = await this.counted(id);
    const data = {
      format: 'runledger.session',
      version: 1,
      session_id: id,
      exported_at: new Date().toISOString(),
      counts: { states: states.length, ...counts },
    };
    yield { type: 'manifest', data };
    yield { type: 'session', data: session };
    for (const kept of states) yield { type: 'state', data: kept };
    const runs: string[] = [];
    for await (const { id: run, doc } of this.rows(runsSql, id, counts.runs)) {
      runs.push(run);
      yield { type: 'run', data: runResource(doc as RunState) };
    }
    yield* this.events(id, counts.events);
    let segments = counts.segments;
    for (const owner of [id, ...runs]) {
      const kind = owner === id ? 'session' : 'run';
      for await (const segment of this.segments({ kind, id: owner }, principal, segments)) {
        segments--;
        yield segment;
      }
    }
    for await (const { doc } of this.rows(interactionsSql, id, counts.interactions)) {
      yield { type: 'interaction', data: interactionResource(doc as InteractionState) };
    }
    for await (const { doc } of this.rows(schedulesSql, id, counts.schedules)) {
      yield { type: 'schedule', data: scheduleResource(doc as ScheduleState) };
    }
    for await (const { doc } of this.rows(mountsSql, id, counts.mounts)) {
      yield { type: 'mount', data: mountResource(doc as MountState) };
    }
    let entries = counts.log_entries;
    for (const run of runs) {
      for await (const line of this.log(run, entries)) {
        entries--;
        yield line;
      }
    }
  }

  private async counted(id: string): Promise<Counts> {
    const [row] = await this.database.query<Record<keyof Counts, string>>(
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

  private async *rows(sql: string, session: string, most: number): AsyncGenerator<Row> {
    let after: string | null = null;
    for (let left = most; left > 0;) {
      const rows: Row[] = await this.database.query<Row>(sql, [session, after, Math.min(left, rowsAtOnce)]);
      yield* rows;
      left -= rows.length;
      after = rows.at(-1)?.place ?? null;
      if (after === null) return;
    }
  }

  private async *events(session: string, through: number): AsyncGenerator<ExportLine> {
    const feed = new SessionFeed(this.database, this.streams, session);
    for await (const { event } of feed.read(0, 'asc', through)) {
      if (event !== undefined) yield { type: 'event', data: event };
    }
  }

  private async *segments(
    owner: TranscriptOwner,
    principal: Principal,
    most: number,
  ): AsyncGenerator<ExportLine> {
    const { kind, id } = owner;
    const whose = kind === 'session' ? { session_id: id } : { run_id: id };
    const retention = await this.retentions.of(principal, owner);
    let seen = 0;
    for (let left = most; left > 0;) {
      const limit = Math.min(left, rowsAtOnce);
      const filter = { ...everything, view: 'full', order: 'asc', seen, limit } as const;
      const { segments, next } = await readTranscript(this.database, id, this.seeds, filter, retention);
      for (const segment of segments) yield { type: 'segment', data: Object.assign(segment, whose) };
      left -= segments.length;
      if (next === undefined) return;
      seen = next;
    }
  }

  private async *log(run_id: string, most: number): AsyncGenerator<ExportLine> {
    let afterSeq = 0;
    for (let left = most; left > 0;) {
      const limit = Math.min(left, entriesAtOnce);
      const { entries, more } = await readLog(
        this.database,
        run_id,
        { ...everything, afterSeq },
        'asc',
        limit,
      );
      for (const entry of entries) yield { type: 'log', data: { run_id, ...entry } };
      left -= entries.length;
      if (!more) return;
      afterSeq = entries.at(-1)?.seq ?? afterSeq;
    }
  }
}

const byId = (table: string): string => `SELECT id, id AS place, doc FROM ${table}
  WHERE session_id = $1 AND ($2::uuid IS NULL OR id > $2::uuid) ORDER BY id LIMIT $3`;
const runsSql = byId('runs.runs');
const schedulesSql = byId('schedules.schedules');
const mountsSql = byId('mounts.mounts');
const interactionsSql = `SELECT id, place, doc FROM interactions.interactions
  WHERE session_id = $1 AND ($2::bigint IS NULL OR place > $2::bigint) ORDER BY place LIMIT $3`;
