import type { Decider, RecordedEvent, Fact } from '#eventsourcing';
import type { PurgedSegment, SegmentsPurged, TranscriptFact } from './transcript.events.js';
import type { Redaction } from './transcript.decider.js';

/** Keeps an event far below what a store takes. */
const segmentsOfEvent = 2_000;

export interface PurgedSegments {
  /** `seq` of the last segment of which this tells. */
  readonly through_seq: number;
}

export const purgedSegmentsDecider: Decider<PurgedSegments, SegmentsPurged> = {
  initial: { through_seq: 0 },
  evolve: (_state, { data }) => ({ through_seq: data.first_seq + data.segments.length - 1 }),
};

/** Writes down what stays of segments; of those behind the ones that are written down already. */
export function keepOfSegments(
  state: PurgedSegments,
  segments: readonly PurgedSegment[],
  after_seq: number,
  archived: boolean,
): SegmentsPurged[] {
  if (state.through_seq !== after_seq) return [];
  const facts: SegmentsPurged[] = [];
  for (let n = 0; n < segments.length; n += segmentsOfEvent) {
    const some = segments.slice(n, n + segmentsOfEvent);
    facts.push({
      type: 'SegmentsPurged',
      data: { first_seq: after_seq + n + 1, segments: some, archived },
    });
  }
  return facts;
}

/** What stays of the segments of some events, in order. @param redacted what was redacted, by `seq` */
export function remains(
  events: readonly RecordedEvent[],
  redacted: ReadonlyMap<number, Redaction>,
): PurgedSegment[] {
  return events.flatMap((event) => {
    const fact = event as Fact as TranscriptFact;
    const created_at = event.metadata.at;
    if (fact.type === 'TranscriptCompacted') {
      const { seq, covers, bytes } = fact.data;
      return [{ ...kindOf('summary', redacted.get(seq)), bytes, covers, created_at }];
    }
    if (fact.type !== 'SegmentsAppended') return [];
    const { first_seq, segments } = fact.data;
    return segments.map(({ kind, role, run_id, bytes }, n) => ({
      ...kindOf(kind, redacted.get(first_seq + n)),
      ...(role !== undefined && { role }),
      ...(run_id !== undefined && { run_id }),
      bytes,
      created_at,
    }));
  });
}

const kindOf = (
  kind: PurgedSegment['kind'],
  redaction: Redaction | undefined,
): Pick<PurgedSegment, 'kind' | 'redaction'> =>
  redaction === undefined ? { kind } : { kind: 'redacted', redaction };
