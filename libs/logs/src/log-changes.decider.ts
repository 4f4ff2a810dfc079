import { hash } from 'node:crypto';
import { cutForEvents, eventBytes, RuleViolation } from '#eventsourcing';
import { type LogState, nextRequest } from './log.decider.js';
import type { LogAppended, LogLine, LogPurged, ProducerRecord, ProducerRequest } from './log.events.js';

/** JSON writes a character as at most six bytes (`\u001f`). */
const bytesPerCharacter = 6;
/** At every revision that this divides, or soon after, an event says what those before it come to. */
const originEvery = 32;
/** More than the names and the other values of a line need. */
const lineBytes = 160;

/**
 * Adds lines behind the last one. A producer's request that was made before changes nothing.
 * @param revision of the log's last event, -1 when there is none
 * @throws RuleViolation producer_fenced: a newer epoch of the producer has written;
 *   producer_gap: the number is not the next one, which is `expected_seq`
 */
export function appendLog(
  state: LogState,
  entries: readonly LogLine[],
  producer?: ProducerRequest,
  revision = -1,
): LogAppended[] {
  if (producer !== undefined) {
    const known = state.producers.get(producer.id);
    if (known !== undefined && producer.epoch < known.epoch) {
      throw new RuleViolation(
        'producer_fenced',
        `epoch ${producer.epoch} of the producer is over, epoch ${known.epoch} has begun`,
      );
    }
    const expected = nextRequest(state, producer);
    if (producer.seq < expected) return [];
    if (producer.seq > expected) {
      throw new RuleViolation(
        'producer_gap',
        `request ${producer.seq} of the producer is not the next one, which is ${expected}`,
        { expected_seq: expected },
      );
    }
  }
  let first_seq = state.last_seq + 1;
  const facts = linesByEvent(entries).map((piece) => {
    const fact = appended(first_seq, piece, producer);
    first_seq += piece.length;
    return fact;
  });
  const [first, ...others] = facts;
  if (first === undefined || !passesOrigin(revision, facts.length)) return facts;
  const { purged } = state;
  const known = { producers: recordsOf(state), ...(purged && { purged }) };
  return [{ ...first, data: { ...first.data, known } }, ...others];
}

const passesOrigin = (revision: number, events: number): boolean =>
  Math.floor((revision + events) / originEvery) > Math.floor(Math.max(0, revision) / originEvery);

/** What a purge is to remove: the lines behind `after_seq`, up to `through_seq`. */
export interface PurgedRange {
  readonly after_seq: number;
  readonly through_seq: number;
  readonly bytes: number;
  readonly from: string;
  readonly to: string;
  /** Digests (32 bytes) of its chunks, in order. */
  readonly digests: readonly Buffer[];
}

/** Removes the oldest lines that are there, if they are the ones meant; those that are gone already change nothing. */
export function purgeLog(
  state: LogState,
  range: PurgedRange,
  cause: LogPurged['data']['cause'],
): LogPurged[] {
  const { purged, last_seq } = state;
  if (range.after_seq !== (purged?.through_seq ?? 0) || range.through_seq > last_seq) return [];
  const data = {
    through_seq: range.through_seq,
    last_seq,
    bytes: (purged?.bytes ?? 0) + range.bytes,
    from: purged !== undefined && purged.from < range.from ? purged.from : range.from,
    to: purged !== undefined && purged.to > range.to ? purged.to : range.to,
    sha256: chained(purged?.sha256 ?? noHash, range.digests),
    producers: recordsOf(state),
    cause,
  };
  return [{ type: 'LogPurged', data }];
}

const noHash = '0'.repeat(64);

const chained = (start: string, digests: readonly Buffer[]): string =>
  digests
    .reduce(
      (value, digest) => hash('sha256', Buffer.concat([value, digest]), 'buffer'),
      Buffer.from(start, 'hex'),
    )
    .toString('hex');

const recordsOf = ({ producers }: LogState): ProducerRecord[] =>
  [...producers].map(([id, { epoch, placed }]) => ({
    id,
    epoch,
    placed: [...placed].map(([seq, place]) => ({ seq, ...place })),
  }));

function appended(first_seq: number, entries: readonly LogLine[], producer?: ProducerRequest): LogAppended {
  let from = entries[0]?.ts ?? '';
  let to = from;
  for (const { ts } of entries) {
    if (ts < from) from = ts;
    if (ts > to) to = ts;
  }
  return { type: 'LogAppended', data: { first_seq, from, to, entries, ...(producer && { producer }) } };
}

const linesByEvent = (entries: readonly LogLine[]): (readonly LogLine[])[] =>
  surelyFit(entries)
    ? [entries]
    : cutForEvents(entries, (entry) => Buffer.byteLength(JSON.stringify(entry)) + 1);

/** Answers without making JSON of the messages; false says only that one must look closer. */
function surelyFit(entries: readonly LogLine[]): boolean {
  let most = 0;
  for (const { message, attributes } of entries) {
    most += message.length * bytesPerCharacter + lineBytes;
    if (attributes !== undefined) most += JSON.stringify(attributes).length * bytesPerCharacter;
  }
  return most <= eventBytes;
}
