import { Injectable } from '@nestjs/common';
import { type Principal, Streams } from '#eventsourcing';
import { type InteractionState, interactionResource } from '#interactions';
import { readLog } from '#logs';
import { mountResource, type MountState } from '#mounts';
import { Database, keysetPage, Where } from '#read-models';
import { type RunState, runResource } from '#runs';
import { scheduleResource, type ScheduleState } from '#schedules';
import { sessionStateDecider, sessionStateStream, type SessionResource } from '#sessions';
import { SessionFeed } from '#timeline';
import { readTranscript, SegmentRetentions, type TranscriptOwner, TranscriptSeeds } from '#transcripts';
import { countsOf } from './export-counts.js';

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

interface Row {
  readonly id: string;
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
    const counts = await countsOf(this.database, id);
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
    for await (const { id: run, doc } of first(counts.runs, this.rows('runs.runs', id))) {
      runs.push(run);
      yield { type: 'run', data: runResource(doc as RunState) };
    }
    yield* this.events(id, counts.events);
    yield* first(counts.segments, this.segments(id, runs, principal));
    for await (const { doc } of first(
      counts.interactions,
      this.rows('interactions.interactions', id, 'place'),
    )) {
      yield { type: 'interaction', data: interactionResource(doc as InteractionState) };
    }
    for await (const { doc } of first(counts.schedules, this.rows('schedules.schedules', id))) {
      yield { type: 'schedule', data: scheduleResource(doc as ScheduleState) };
    }
    for await (const { doc } of first(counts.mounts, this.rows('mounts.mounts', id))) {
      yield { type: 'mount', data: mountResource(doc as MountState) };
    }
    yield* first(counts.log_entries, this.logs(runs));
  }

  private async *rows(table: string, session: string, key = 'id'): AsyncGenerator<Row> {
    for (let after: string | undefined; ;) {
      const where = new Where().and('session_id = ?', session);
      if (after !== undefined) where.and(`${key} > ?`, after);
      const { rows, more } = await keysetPage<Row>(this.database, {
        ...{ columns: 'id, doc', large: 'doc', from: [{ tables: table }], key },
        ...{ where, order: 'asc', limit: rowsAtOnce },
      });
      yield* rows;
      if (!more) return;
      after = rows.at(-1)?.page_key;
    }
  }

  private async *events(session: string, through: number): AsyncGenerator<ExportLine> {
    const feed = new SessionFeed(this.database, this.streams, session);
    for await (const { event } of feed.read(0, 'asc', through)) {
      if (event !== undefined) yield { type: 'event', data: event };
    }
  }

  private async *segments(
    session: string,
    runs: readonly string[],
    principal: Principal,
  ): AsyncGenerator<ExportLine> {
    yield* this.transcript({ kind: 'session', id: session }, { session_id: session }, principal);
    for (const id of runs) yield* this.transcript({ kind: 'run', id }, { run_id: id }, principal);
  }

  private async *transcript(
    owner: TranscriptOwner,
    whose: object,
    principal: Principal,
  ): AsyncGenerator<ExportLine> {
    const retention = await this.retentions.of(principal, owner);
    for (let seen: number | undefined = 0; seen !== undefined;) {
      const filter = { ...everything, view: 'full', order: 'asc', seen, limit: rowsAtOnce } as const;
      const page = await readTranscript(this.database, owner.id, this.seeds, filter, retention);
      for (const segment of page.segments) yield { type: 'segment', data: Object.assign(segment, whose) };
      seen = page.next;
    }
  }

  private async *logs(runs: readonly string[]): AsyncGenerator<ExportLine> {
    for (const run_id of runs) {
      let [afterSeq, more] = [0, true];
      while (more) {
        const range = { ...everything, afterSeq };
        const page = await readLog(this.database, run_id, range, 'asc', entriesAtOnce);
        for (const entry of page.entries) yield { type: 'log', data: { run_id, ...entry } };
        afterSeq = page.entries.at(-1)?.seq ?? afterSeq;
        ({ more } = page);
      }
    }
  }
}

/** As much of something as was counted. */
async function* first<T>(count: number, source: AsyncIterable<T>): AsyncGenerator<T> {
  let left = count;
  if (left === 0) return;
  for await (const one of source) {
    yield one;
    if (--left === 0) return;
  }
}
