import { BACKWARDS, END, FORWARDS, type KurrentDBClient, START } from '@kurrent/kurrentdb-client';
import type {
  ReadAllBackwardsOptions,
  ReadAllOptions,
  ReadStreamOptions,
  RecordedEvent,
} from '#eventsourcing';
import type { Clients } from './clients.js';
import { isAbsent, mapped } from './errors.js';
import { at, filterBy, fromStore, ofLeader, type Resolved } from './events.js';

/**
 * Events of one request. The native reader of the client cannot be cancelled, so that a reader who
 * leaves early leaves at most this much behind.
 */
const page = 1000;

async function collect(
  clients: Clients,
  source: (reader: KurrentDBClient) => AsyncIterable<Resolved>,
): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  try {
    await clients.read(async (reader) => {
      for await (const resolved of source(reader)) {
        const event = fromStore(resolved);
        if (event !== undefined) events.push(event);
      }
    });
  } catch (error) {
    if (isAbsent(error)) return [];
    throw mapped(error);
  }
  return events;
}

export async function* readStream(
  clients: Clients,
  stream: string,
  options: ReadStreamOptions = {},
): AsyncGenerator<RecordedEvent, void, undefined> {
  const backwards = options.direction === 'backwards';
  let left = options.limit ?? Infinity;
  let from = options.from === undefined ? undefined : BigInt(options.from);
  while (left > 0 && (from === undefined || from >= 0n)) {
    const maxCount = Math.min(left, page);
    const events = await collect(clients, (reader) =>
      reader.readStream(stream, {
        direction: backwards ? BACKWARDS : FORWARDS,
        fromRevision: from ?? (backwards ? END : START),
        maxCount,
        ...ofLeader,
      }),
    );
    yield* events;
    const last = events.at(-1);
    if (last === undefined || events.length < maxCount) return;
    left -= events.length;
    from = BigInt(last.revision + (backwards ? -1 : 1));
  }
}

export const readAll = (
  clients: Clients,
  { after, ...selected }: ReadAllOptions = {},
): AsyncGenerator<RecordedEvent, void, undefined> => readingAll(clients, FORWARDS, after, selected);

export const readAllBackwards = (
  clients: Clients,
  { before, ...selected }: ReadAllBackwardsOptions = {},
): AsyncGenerator<RecordedEvent, void, undefined> => readingAll(clients, BACKWARDS, before, selected);

async function* readingAll(
  clients: Clients,
  direction: typeof FORWARDS | typeof BACKWARDS,
  start: bigint | undefined,
  { prefixes, limit = Infinity }: Pick<ReadAllOptions, 'prefixes' | 'limit'>,
): AsyncGenerator<RecordedEvent, void, undefined> {
  const filter = filterBy(prefixes);
  const forwards = direction === FORWARDS;
  let left = limit;
  let place = forwards && start === 0n ? undefined : start;
  while (left > 0) {
    // Reading starts at a position, not behind it: one more for the event that lies there.
    const maxCount = Math.min(left, page) + 1;
    const fromPosition = place === undefined ? (forwards ? START : END) : at(place);
    const found = await collect(clients, (reader) =>
      reader.readAll({ direction, fromPosition, maxCount, filter, ...ofLeader }),
    );
    const events = found
      .filter(({ position }) => place === undefined || (forwards ? position > place : position < place))
      .slice(0, left);
    yield* events;
    const last = events.at(-1);
    if (last === undefined || found.length < maxCount) return;
    left -= events.length;
    place = last.position;
  }
}

/** Position of the last event that is not the server's own, 0 when there is none. */
export async function head(clients: Clients): Promise<bigint> {
  const options = {
    direction: BACKWARDS,
    fromPosition: END,
    maxCount: 1,
    filter: filterBy(undefined),
  } as const;
  const [last] = await collect(clients, (reader) => reader.readAll({ ...options, ...ofLeader }));
  return last?.position ?? 0n;
}
