import type { Decider } from '#eventsourcing';
import type { LogFact, LogKnown, LogPurged, ProducerRequest } from './log.events.js';

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
  readonly purged?: LogKnown['purged'];
}

/** A producer that has fallen out of these bounds is treated as a new one; a request is looked for in the stream. */
export const keptProducers = 100;
export const keptRequests = 5;

export const logDecider: Decider<LogState, LogFact> = {
  initial: { last_seq: 0, producers: new Map() },
  evolve: (state, { type, data }) => {
    if (type === 'LogPurged') return afterPurge(data);
    const last_seq = data.first_seq + data.entries.length - 1;
    const before = data.known === undefined ? state : { ...data.known, producers: producersOf(data.known) };
    if (data.producer === undefined) return { ...before, last_seq };
    const producers = remembered(before.producers, data.producer, data.first_seq, last_seq);
    return { ...before, last_seq, producers };
  },
  isOrigin: ({ type, data }) => type === 'LogPurged' || data.known !== undefined,
  weigh: (state) => state.producers.size * 1_000,
};

/** The purge says all that an append must know: what of the lines before it is still there does not matter. */
function afterPurge({ producers, ...purged }: LogPurged['data']): LogState {
  return { last_seq: purged.last_seq, producers: producersOf({ producers }), purged };
}

function producersOf({ producers }: LogKnown): LogState['producers'] {
  const known = producers.map(({ id, epoch, placed }): [string, Producer] => [
    id,
    { epoch, placed: new Map(placed.map(({ seq, ...place }) => [seq, place])) },
  ]);
  return new Map(known);
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

const newest = (producer: Producer): number => Math.max(...producer.placed.keys());
