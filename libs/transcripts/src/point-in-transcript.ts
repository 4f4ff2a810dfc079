import { type Fact, type RecordedEvent, Streams } from '#eventsourcing';
import { runStream } from '#runs';
import { type FeedPoint, originOf } from '#sessions';
import type { TranscriptState } from './transcript.decider.js';
import {
  purgedSegmentsStream,
  type SegmentsPurged,
  type TranscriptFact,
  transcriptStream,
} from './transcript.events.js';

/**
 * `seq` of the last segment that was said by a point of a session's feed, 0 when there is none: all that were
 * stored before what is behind the point, and behind them what runs said that had completed by then, which
 * comes into the transcript a moment later. @param state of the session's transcript
 */
export async function lastSaid(
  streams: Streams,
  session: string,
  point: FeedPoint,
  state: TranscriptState,
): Promise<number> {
  const { sequence_number, next } = point;
  if (next === undefined) return state.last_seq;
  const { position, at } = next;
  const isByTime = position === undefined;
  // By a time, a fork that was made later had said nothing.
  const origin = await originOf(streams, session, isByTime ? sequence_number : sequence_number + 1);
  let last = 0;
  for await (const event of streams.read(transcriptStream(origin))) {
    const isBehind = isByTime ? Date.parse(event.metadata.at) >= at : event.position > position;
    if (isBehind && !(await tellsOfRunOver(streams, event, point))) break;
    last = lastOf(event as Fact as TranscriptFact) ?? last;
  }
  // Of what was removed since, nothing but its time tells when it was said.
  return Math.min(Math.max(last, await lastPurged(streams, origin, at)), state.last_seq);
}

function lastOf(fact: TranscriptFact): number | undefined {
  switch (fact.type) {
    case 'SegmentsAppended':
      return fact.data.first_seq + fact.data.segments.length - 1;
    case 'TranscriptCompacted':
      return fact.data.seq;
    case 'TranscriptForked':
      return fact.data.through_seq;
    case 'TranscriptPurged':
      return fact.data.last_seq;
    case 'SegmentRedacted':
      return undefined;
  }
}

async function tellsOfRunOver(
  streams: Streams,
  event: RecordedEvent,
  { position }: FeedPoint,
): Promise<boolean> {
  const fact = event as Fact as TranscriptFact;
  if (fact.type !== 'SegmentsAppended' || fact.data.snapshot === undefined) return false;
  const stream = runStream(fact.data.snapshot.run_id);
  const completed = await streams.findLast(stream, ({ type }) => type === 'RunCompleted');
  return completed !== undefined && completed.position <= position;
}

async function lastPurged(streams: Streams, id: string, before: number): Promise<number> {
  let last = 0;
  for await (const event of streams.read(purgedSegmentsStream(id))) {
    const { first_seq, segments } = (event as Fact as SegmentsPurged).data;
    for (const [n, { created_at }] of segments.entries()) {
      if (Date.parse(created_at) >= before) return last;
      last = first_seq + n;
    }
  }
  return last;
}
