import { hash } from 'node:crypto';
import type { Decider } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type {
  LogAppended,
  LogFact,
  LogLine,
  LogPurged,
  ProducerRecord,
  ProducerRequest,
} from './log.events.js';

/** Where the lines of one request were put. */
export interface Placed {
  readonly first_seq: number;
  readonly last_seq: number;
}

interface Producer {
  readonly epoch: number;
  /** The newest requests of the epoch by their number, the newest last. */
  readonly placed: ReadonlyMap<number, Placed>;
}

/** What an append must know of a log: none of its lines. */
export interface LogState {
  /** `seq` of the last line, 0 when there is none. */
  readonly last_seq: number;
  /** The producers that wrote last, the newest last. */
  readonly producers: ReadonlyMap<string, Producer>;
  /** What retention has removed; absent when all is there. */
  readonly purged?: Omit<LogPurged['data'], 'producers'>;
}

/** A producer that has fallen out of these bounds is treated as a new one; a request is looked for in the stream. */
export const keptProducers = 100;
export const keptRequests = 5;

/** An event stays below the 1 MB that KurrentDB takes by default, in bytes of its data. */
const eventBytes = 900_000;
/** JSON writes a character as at most six bytes (`\u001f`). */
const bytesPerCharacter = 6;
/** More than the names and the other values of a line need. */
const lineBytes = 160;

export const logDecider: Decider<LogState, LogFact> = {
  initial: { last_seq: 0, producers: new Map() },
  evolve: (state, { type, data }) => {
    if (type === 'LogPurged') return afterPurge(data);
    const last_seq = data.first_seq + data.entries.length - 1;
    if (data.producer === undefined) return { ...state, last_seq };
    const producers = remembered(state.producers, data.producer, data.first_seq, last_seq);
    return { ...state, last_seq, producers };
  },
  weigh: (state) => state.producers.size * 1_000,
};

/** The purge says all that an append must know: what of the lines before it is still there does not matter. */
function afterPurge({ producers, ...purged }: LogPurged['data']): LogState {
  const known = producers.map(({ id, epoch, placed }): [string, Producer] => [
    id,
    { epoch, placed: new Map(placed.map(({ seq, ...place }) => [seq, place])) },
  ]);
  return { last_seq: purged.last_seq, producers: new Map(known), purged };
}

function remembered(
  producers: ReadonlyMap<string, Producer>,
  { id, epoch, seq }: ProducerRequest,
  first_seq: number,
  last_seq: number,
): ReadonlyMap<string, Producer> {
  const known = producers.get(id);
  const placed = new Map(known?.epoch === epoch ? known.placed : []);
  placed.set(seq, { first_seq: placed.get(seq)?.first_seq ?? first_seq, last_seq });
  keepNewest(placed, keptRequests);
  const others = new Map(producers);
  others.delete(id);
  others.set(id, { epoch, placed });
  keepNewest(others, keptProducers);
  return others;
}

function keepNewest(map: Map<unknown, unknown>, most: number): void {
  for (const key of map.keys()) {
    if (map.size <= most) return;
    map.delete(key);
  }
}

/** Where an earlier request of this producer with this number was put, as far as it is remembered. */
export function placedBefore(state: LogState, producer: ProducerRequest): Placed | undefined {
  const known = state.producers.get(producer.id);
  return known?.epoch === producer.epoch ? known.placed.get(producer.seq) : undefined;
}

/** The number that the next request of this producer must have. */
export function nextRequest({ producers }: LogState, { id, epoch }: ProducerRequest): number {
  const known = producers.get(id);
  return known?.epoch === epoch ? newest(known) + 1 : 0;
}

/**
 * Adds lines behind the last one. A producer's request that was made before changes nothing.
 * @throws RuleViolation producer_fenced: a newer epoch of the producer has written;
 *   producer_gap: the number is not the next one, which is `expected_seq`
 */
export function appendLog(
  state: LogState,
  entries: readonly LogLine[],
  producer?: ProducerRequest,
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
  return pieces(entries).map((piece) => {
    const fact = appended(first_seq, piece, producer);
    first_seq += piece.length;
    return fact;
  });
}

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

const newest = (producer: Producer): number => Math.max(...producer.placed.keys());

function appended(first_seq: number, entries: readonly LogLine[], producer?: ProducerRequest): LogAppended {
  let from = entries[0]?.ts ?? '';
  let to = from;
  for (const { ts } of entries) {
    if (ts < from) from = ts;
    if (ts > to) to = ts;
  }
  return { type: 'LogAppended', data: { first_seq, from, to, entries, ...(producer && { producer }) } };
}

/** Cuts lines into runs that each fit into one event; a line is never cut. */
function pieces(entries: readonly LogLine[]): (readonly LogLine[])[] {
  if (surelyFit(entries)) return [entries];
  const result: LogLine[][] = [];
  let piece: LogLine[] = [];
  let size = 0;
  for (const entry of entries) {
    const bytes = Buffer.byteLength(JSON.stringify(entry)) + 1;
    if (size + bytes > eventBytes && piece.length > 0) {
      result.push(piece);
      piece = [];
      size = 0;
    }
    piece.push(entry);
    size += bytes;
  }
  result.push(piece);
  return result;
}

/** Answers without making JSON of the messages; false says only that one must look closer. */
function surelyFit(entries: readonly LogLine[]): boolean {
  let most = 0;
  for (const { message, attributes } of entries) {
    most += message.length * bytesPerCharacter + lineBytes;
    if (attributes !== undefined) most += JSON.stringify(attributes).length * bytesPerCharacter;
  }
  return most <= eventBytes;
}
