import streamMessages from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import type {
  ReadReq,
  ReadResp,
} from '@kurrent/kurrentdb-client/generated/kurrentdb/protocols/v1/streams_pb.js';
import { type ServerWritableStream, status, type StatusObject } from '@grpc/grpc-js';
import { once } from 'node:events';
import type { Memory, Stored } from './memory.js';
import {
  caughtUpMessage,
  checkpointMessage,
  confirmationMessage,
  eventMessage,
  nameOf,
  notFoundMessage,
} from './messages.js';

type Call = ServerWritableStream<ReadReq, ReadResp>;

export type Refusal = StatusObject;

/**
 * Reads and subscriptions are one call in this protocol: a subscription is a reading without end.
 * @param refusal of a node that does not lead at the time
 */
export const read = (memory: Memory, refusal: () => Refusal | undefined) => (call: Call) => {
  const gone = new AbortController();
  call.on('cancelled', () => {
    gone.abort();
  });
  const options = call.request.getOptions() ?? new streamMessages.ReadReq.Options();
  const refused = refusal();
  if (refused && call.metadata.get('requires-leader').length > 0 && isAsked(memory, options)) {
    call.emit('error', refused);
    return;
  }
  const served = options.hasSubscription()
    ? follow(memory, call, options, gone.signal)
    : answer(memory, call, options, gone.signal);
  served.catch((error: unknown) => {
    if (!gone.signal.aborted) call.destroy(error as Error);
  });
};

/**
 * Whether a node asks if it leads: it does so when it reads a page, and a subscription reads none when the node has
 * nothing behind its start (Enumerator.AllSubscriptionFiltered.cs and Enumerator.StreamSubscription.cs, `MainLoop`).
 */
function isAsked(memory: Memory, options: ReadReq.Options): boolean {
  if (!options.hasSubscription()) return true;
  const start = startOf(memory, options) ?? -1n;
  if (!options.hasStream()) return start < (memory.log.at(-1)?.position ?? 0n);
  const name = nameOf(options.getStream()?.getStreamIdentifier());
  return start < BigInt(memory.last(name));
}

async function send(call: Call, message: ReadResp, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  if (!call.write(message)) await once(call, 'drain', { signal });
}

async function answer(
  memory: Memory,
  call: Call,
  options: ReadReq.Options,
  signal: AbortSignal,
): Promise<void> {
  const stream = options.getStream();
  const name = nameOf(stream?.getStreamIdentifier());
  const source = stream ? memory.visible(name) : memory.log.filter(selector(options));
  if (source === undefined) await send(call, notFoundMessage(name), signal);
  const backwards = options.getReadDirection() === streamMessages.ReadReq.Options.ReadDirection.BACKWARDS;
  const start = startOf(memory, options);
  const inRange = (source ?? []).filter((event) => {
    const place = stream ? BigInt(event.revision) : event.position;
    if (start === undefined) return true;
    // Backwards from a revision begins with its event, backwards from a position before it.
    if (place === start) return stream !== undefined || !backwards;
    return backwards ? place < start : place > start;
  });
  const count = Number(options.getCount());
  const wanted = backwards ? inRange.slice(-count).reverse() : inRange.slice(0, count);
  for (const event of wanted) await send(call, eventMessage(event), signal);
  call.end();
}

/** Events that wait for a live subscription before it is caught up anew (Enumerator.cs). */
const liveBuffer = 32;

async function follow(
  memory: Memory,
  call: Call,
  options: ReadReq.Options,
  signal: AbortSignal,
): Promise<void> {
  const name = options.hasStream() ? nameOf(options.getStream()?.getStreamIdentifier()) : undefined;
  const selects = selector(options);
  const start = startOf(memory, options) ?? -1n;
  const filter = options.getFilter();
  const interval = filter ? filter.getMax() * filter.getCheckpointintervalmultiplier() : Infinity;
  let considered = 0;
  let caughtUp = false;
  await send(call, confirmationMessage(), signal);
  for (let next = 0; ; next++) {
    // The server says nothing when it falls behind, only when it has caught up again.
    if (memory.log.length - next > liveBuffer) caughtUp = false;
    while (next === memory.log.length) {
      if (!caughtUp) await send(call, caughtUpMessage(), signal);
      caughtUp = true;
      if (next === memory.log.length) await once(memory, 'appended', { signal });
    }
    const event = memory.log[next];
    if (event === undefined) continue;
    if (name === undefined) {
      if (event.position <= start) continue;
      if (selects(event)) await send(call, eventMessage(event), signal);
      if (++considered % interval !== 0) continue;
      // While it catches up, the server tells the place before an event that is still to come.
      const place = caughtUp ? event : memory.log[next + 1];
      if (place) await send(call, checkpointMessage(place.position, caughtUp), signal);
    } else if (event.stream === name && event.revision > start && memory.shows(event)) {
      await send(call, eventMessage(event), signal);
    }
  }
}

function selector(options: ReadReq.Options): (event: Stored) => boolean {
  const filter = options.getFilter();
  const expression = filter?.getStreamIdentifier() ?? filter?.getEventType();
  if (filter === undefined || expression === undefined) return () => true;
  const regex = expression.getRegex() === '' ? undefined : new RegExp(expression.getRegex());
  const prefixes = expression.getPrefixList();
  return ({ stream, type }) => {
    const subject = filter.hasStreamIdentifier() ? stream : type;
    return regex?.test(subject) ?? prefixes.some((prefix) => startsWith(subject, prefix));
  };
}

/**
 * Prefixes are compared as a language does it (EventFilter.cs, `StartsWith` without `Ordinal`): what has no
 * weight is passed over, and no letter is parted from its accent.
 */
function startsWith(subject: string, prefix: string): boolean {
  const weighed = (text: string): string => text.normalize('NFC').replace(/\p{DI}/gu, '');
  const rest = weighed(subject).slice(weighed(prefix).length);
  return weighed(subject).startsWith(weighed(prefix)) && !/^\p{M}/u.test(rest);
}

/**
 * Where to start, undefined for the end that the direction starts from. A position must be that of an event, or lie
 * behind all of them: nothing is read there then (AllReader.cs).
 */
function startOf(memory: Memory, options: ReadReq.Options): bigint | undefined {
  if (options.getStream()?.hasRevision()) return BigInt(options.getStream()?.getRevision() ?? 0);
  const position = options.getAll()?.getPosition();
  if (position === undefined) return undefined;
  const commit = BigInt(position.getCommitPosition());
  const lies = commit > (memory.log.at(-1)?.position ?? -1n) || isPlace(memory.log, commit);
  if (position.getPreparePosition() !== position.getCommitPosition() || !lies) {
    throw Object.assign(new Error('invalid position'), { code: status.INVALID_ARGUMENT });
  }
  return commit;
}

function isPlace(log: readonly Stored[], position: bigint): boolean {
  let [low, high] = [0, log.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((log[middle]?.position ?? 0n) < position) low = middle + 1;
    else high = middle;
  }
  return log[low]?.position === position;
}
