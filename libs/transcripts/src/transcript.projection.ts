import type { Fact, RecordedEvent } from '#eventsourcing';
import type { Sql } from '#read-models';
import { chunks, Projection } from '#read-models';
import { idOf, LineageFold } from './lineage.fold.js';
import type {
  SegmentRedacted,
  SegmentsAppended,
  SegmentsPurged,
  TranscriptCompacted,
  TranscriptFact,
  TranscriptForked,
} from './transcript.events.js';
import { purgedSegmentsStream, transcriptStream } from './transcript.events.js';
import {
  countSegments,
  recountSegments,
  redactSegments,
  type RemovedRow,
  removeSegments,
  type SegmentRow,
  storeSegments,
  storeSummaries,
  type Summary,
} from './transcript.rows.js';

const streamPrefix = transcriptStream('');
const purgedPrefix = purgedSegmentsStream('');

/**
 * The segments of transcripts, a row each, their contents as they are in the store: sealed. Who reads needs
 * the seeds too, so that content is gone from here as soon as its key is. What a fork shares has no rows of its own.
 */
export class TranscriptProjection extends Projection {
  readonly name = 'transcripts';
  readonly version = 3;
  readonly prefixes = [streamPrefix, purgedPrefix];

  readonly tables = `
    CREATE TABLE segments (
      transcript_id uuid NOT NULL,
      seq bigint NOT NULL,
      place bigint NOT NULL,
      kind text COLLATE "C" NOT NULL,
      role text COLLATE "C",
      run_id uuid,
      metadata text COLLATE "C",
      covers bigint,
      bytes int NOT NULL,
      sealed text COLLATE "C",
      redaction text COLLATE "C",
      created_at timestamptz NOT NULL,
      revision bigint,
      removed text COLLATE "C",
      PRIMARY KEY (transcript_id, seq)
    );
    -- What is sealed cannot be packed any further.
    ALTER TABLE segments ALTER COLUMN sealed SET STORAGE EXTERNAL;

    CREATE TABLE summaries (
      transcript_id uuid PRIMARY KEY,
      seq bigint NOT NULL,
      covers bigint NOT NULL
    );

    -- Of the segments that are there: those that retention has removed do not count.
    CREATE TABLE totals (
      transcript_id uuid PRIMARY KEY,
      bytes bigint NOT NULL,
      oldest timestamptz
    );
    ${LineageFold.tables}`;

  readonly indexes = `
    CREATE INDEX segments_place ON segments (transcript_id, place);
    CREATE INDEX segments_kind ON segments (transcript_id, kind, seq);
    ${LineageFold.indexes}`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const rows: SegmentRow[] = [];
    const removed: RecordedEvent<SegmentsPurged>[] = [];
    const redacted: RecordedEvent<SegmentRedacted>[] = [];
    const forked: RecordedEvent<TranscriptForked>[] = [];
    const summaries = new Map<string, Summary>();
    for (const event of events) {
      const id = idOf(event);
      const fact = event as Fact as TranscriptFact | SegmentsPurged;
      if (fact.type === 'SegmentRedacted') redacted.push(event as RecordedEvent<SegmentRedacted>);
      else if (fact.type === 'SegmentsPurged') removed.push(event as RecordedEvent<SegmentsPurged>);
      else if (fact.type === 'TranscriptForked') forked.push(event as RecordedEvent<TranscriptForked>);
      else if (fact.type !== 'TranscriptPurged') rows.push(...rowsOf(id, fact, event));
      for (const summary of summariesOf(fact)) {
        if (summary.seq > (summaries.get(id)?.seq ?? 0)) summaries.set(id, summary);
      }
    }
    // A segment is always written before it is removed, and mostly before it is redacted.
    const written = Array.from(chunks(rows), (some) => storeSegments(sql, some));
    if (rows.length > 0) written.push(countSegments(sql, rows));
    const taken = removed.flatMap(removedRows);
    written.push(...Array.from(chunks(taken), (some) => removeSegments(sql, some)));
    if (taken.length > 0) written.push(recountSegments(sql, new Set(taken.map((row) => row.transcript_id))));
    written.push(new LineageFold(sql).apply(forked, removed));
    await Promise.all([...written, redactSegments(sql, redacted), storeSummaries(sql, summaries)]);
  }
}

function summariesOf(fact: TranscriptFact | SegmentsPurged): Summary[] {
  if (fact.type === 'TranscriptCompacted') return [fact.data];
  if (fact.type === 'TranscriptForked') {
    const { covers, summaries } = fact.data;
    return summaries.slice(-1).map((seq) => ({ seq, covers }));
  }
  if (fact.type !== 'SegmentsPurged') return [];
  return fact.data.segments.flatMap(({ covers }, n) =>
    covers === undefined ? [] : [{ seq: fact.data.first_seq + n, covers }],
  );
}

function rowsOf(
  transcript_id: string,
  fact: SegmentsAppended | TranscriptCompacted,
  { revision, metadata: { at: created_at } }: RecordedEvent,
): SegmentRow[] {
  if (fact.type === 'TranscriptCompacted') {
    const { seq, covers, bytes, sealed } = fact.data;
    const own = { transcript_id, seq, place: covers, kind: 'summary' as const, metadata: null };
    return [{ ...own, covers, bytes, sealed, created_at, revision }];
  }
  return fact.data.segments.map(({ kind, role, run_id, metadata, bytes, sealed }, n) => ({
    transcript_id,
    seq: fact.data.first_seq + n,
    place: fact.data.first_seq + n,
    kind,
    role,
    run_id,
    metadata: metadata === undefined ? null : JSON.stringify(metadata),
    bytes,
    sealed,
    created_at,
    revision,
  }));
}

function removedRows(event: RecordedEvent<SegmentsPurged>): RemovedRow[] {
  const { first_seq, segments, archived } = event.data;
  return segments.map(({ redaction, ...segment }, n) => ({
    ...segment,
    transcript_id: idOf(event),
    seq: first_seq + n,
    place: segment.covers ?? first_seq + n,
    removed: archived ? 'archived' : 'purged',
    redaction: redaction === undefined ? null : JSON.stringify(redaction),
  }));
}
