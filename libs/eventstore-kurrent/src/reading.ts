import { BACKWARDS, END, FORWARDS, type KurrentDBClient, START } from '@kurrent/kurrentdb-client';
import type {
  ReadAllBackwardsOptions,
  ReadAllOptions,
  ReadStreamOptions,
  RecordedEvent,
} from '#eventsourcing';
import { isAbsent, mapped } from './errors.js';
import { at, filterBy, fromStore, type Resolved } from './events.js';

/**
 * Events of one request. The native reader of the client cannot be cancelled, so that a reader who
 * leaves early leaves at most this much behind.
 */
const page = 1000;

async function collect(source: AsyncIterable<Resolved>): Promise<RecordedEvent[]> {
  const events: RecordedEvent[] = [];
  try {
    for await (const resolved of source) {
      const event = fromStore(resolved);
      if (event !== undefined) events.push(event);
    }
  } catch (error) {
    if (isAbsent(error)) return [];
    throw mapped(error);
  }
  return events;
}

export async function* readStream(
  client: KurrentDBClient,
  stream: string,
  options: ReadStreamOptions = {},
): AsyncGenerator<RecordedEvent, void, undefined> {
  const backwards = options.direction === 'backwards';
  let left = options.limit ?? Infinity;
  let from = options.from === undefined ? undefined : BigInt(options.from);
  while (left > 0 && (from === undefined || from >= 0n)) {
    const maxCount = Math.min(left, page);
    const events = await collect(
      client.readStream(stream, {
        direction: backwards ? BACKWARDS : FORWARDS,
        fromRevision: from ?? (backwards ? END : START),
        maxCount,
      }),
    );
    yield* events;
    const last = events.at(-1);
    if (last === undefined || events.length < maxCount) return;
    left -= events.length;
    from = BigInt(last.revision + (backwards ? -1 : 1));
  }
}

export async function* readAll(
  client: KurrentDBClient,
  options: ReadAllOptions = {},
): AsyncGenerator<RecordedEvent, void, undefined> {
  const filter = filterBy(options.prefixes);
  let left = options.limit ?? Infinity;
  let { after } = options;
  while (left > 0) {
    // Reading starts at a position, not after it: one more for the event that lies there.
    const maxCount = Math.min(left, page) + 1;
    const from = after === undefined || after === 0n ? START : at(after);
    const found = await collect(
      client.readAll({ direction: FORWARDS, fromPosition: from, maxCount, filter }),
    );
    const events = found.filter(({ position }) => after === undefined || position > after).slice(0, left);
    yield* events;
    const last = events.at(-1);
    if (last === undefined || found.length < maxCount) return;
    left -= events.length;
    after = last.position;
  }
}

export async function* readAllBackwards(
  client: KurrentDBClient,
  options: ReadAllBackwardsOptions = {},
): AsyncGenerator<RecordedEvent, void, undefined> {
  const filter = filterBy(options.prefixes);
  let left = options.limit ?? Infinity;
  let { before } = options;
  while (left > 0) {
    // One more, should the reading hold the event that lies at the position.
    const maxCount = Math.min(left, page) + 1;
    const from = before === undefined ? END : at(before);
    const found = await collect(
      client.readAll({ direction: BACKWARDS, fromPosition: from, maxCount, filter }),
    );
    const events = found.filter(({ position }) => before === undefined || position < before).slice(0, left);
    yield* events;
    const last = events.at(-1);
    if (last === undefined || found.length < maxCount) return;
    left -= events.length;
    before = last.position;
  }
}

/** Position of the last event that is not the server's own, 0 when there is none. */
export async function head(client: KurrentDBClient): Promise<bigint> {
  const [last] = await collect(
    client.readAll({ direction: BACKWARDS, fromPosition: END, maxCount: 1, filter: filterBy(undefined) }),
  );
  return last?.position ?? 0n;
}
