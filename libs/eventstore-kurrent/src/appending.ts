import { setTimeout as pause } from 'node:timers/promises';
import {
  ANY,
  type AppendStreamState,
  DeadlineExceededError,
  NO_STREAM,
  STREAM_EXISTS,
  StreamDeletedError,
  WrongExpectedVersionError,
} from '@kurrent/kurrentdb-client';
import {
  type AppendResult,
  type ExpectedRevision,
  inTime,
  type NewEvent,
  type RecordedEvent,
  RevisionConflict,
} from '#eventsourcing';
import type { Clients } from './clients.js';
import { mapped } from './errors.js';
import { byAnyClock, toStore } from './events.js';
import { readStream } from './reading.js';

/** How far back an append that names no revision is looked for. */
const tail = 256;
/** The server answers after its `WriteTimeoutMs`, 2 s by default; a broken call may never do so. */
const patience = 15_000;
/** How often, and how many milliseconds apart, a reader looks whether a stream that was deleted is shown again. */
const looks = { most: 200, apart: 5 };

/** What the server takes in one request (`EffectiveMaxLogRecordSize`), less what frames an event there, in bytes. */
export const largestEvent = 16 * 1024 * 1024 - 10_000 - 1_000;

/** What is sent of an event, in bytes. */
export const sizeOf = ({ type, data, metadata }: NewEvent): number =>
  Buffer.byteLength(JSON.stringify({ type, data, metadata }));

const streamState = (expected: ExpectedRevision): AppendStreamState => {
  if (typeof expected === 'number') return BigInt(expected);
  return { none: NO_STREAM, exists: STREAM_EXISTS, any: ANY }[expected] as AppendStreamState;
};

/** Appends once: what is stored already, under the same ids, is answered as the first time. */
export async function append(
  clients: Clients,
  stream: string,
  expected: ExpectedRevision,
  events: readonly NewEvent[],
): Promise<AppendResult> {
  if (expected === 'any' || expected === 'exists') {
    const before = await stored(clients, stream, expected, events);
    if (before) return before;
  }
  let failure: unknown = new RevisionConflict(stream, expected);
  try {
    const { nextExpectedRevision, position } = await inTime(
      clients.append(stream, events.map(toStore), {
        streamState: streamState(expected),
        ...byAnyClock,
      }),
      'no answer to an append',
      patience,
    );
    if (position !== undefined) {
      const revision = Number(nextExpectedRevision);
      const mayHaveBeenDeleted = (expected === 'none' || expected === 'any') && revision >= events.length;
      if (mayHaveBeenDeleted) await untilShown(clients, stream, revision);
      return { revision, position: position.commit };
    }
    // The server leaves the position out where it knows a repeated append by its index alone.
  } catch (error) {
    // A deleted stream that is expected to exist has an error of its own (RequestManagerBase.cs, ConsistencyChecksFailed).
    const refused = error instanceof WrongExpectedVersionError || error instanceof StreamDeletedError;
    // A repeated append is left to time out by the server as long as the first one is not in its index.
    if (!refused && !(error instanceof DeadlineExceededError)) throw mapped(error);
    if (!refused) failure = mapped(error);
  }
  // What the server knows, and yet is not to be found, has been removed since.
  const before = await stored(clients, stream, expected, events);
  if (before) return before;
  throw failure;
}

/**
 * Waits until readers of a stream are shown what was appended. One that was deleted is hidden until a write of its own is
 * indexed, which lies behind the one that the server has acknowledged (StorageWriterService.cs, `SoftUndeleteStream`).
 * What somebody has removed again meanwhile is not waited for long.
 */
async function untilShown(clients: Clients, stream: string, revision: number): Promise<void> {
  for (let look = 0; look < looks.most; look++) {
    for await (const last of readStream(clients, stream, { direction: 'backwards', limit: 1 }))
      if (last.revision >= revision) return;
    await pause(looks.apart);
  }
}

/** Where these very events lie already, next to each other, if they do. */
async function stored(
  clients: Clients,
  stream: string,
  expected: ExpectedRevision,
  events: readonly NewEvent[],
): Promise<AppendResult | undefined> {
  const found: RecordedEvent[] = [];
  if (expected === 'any' || expected === 'exists') {
    const limit = events.length + tail;
    for await (const event of readStream(clients, stream, { direction: 'backwards', limit }))
      found.unshift(event);
  } else {
    const from = expected === 'none' ? 0 : expected + 1;
    for await (const event of readStream(clients, stream, { from, limit: events.length })) found.push(event);
  }
  const first = found.findIndex(({ id }) => id === events[0]?.id);
  const last = found[first + events.length - 1];
  if (first === -1 || last === undefined) return undefined;
  const same = events.every(({ id }, n) => found[first + n]?.id === id);
  return same ? { revision: last.revision, position: last.position } : undefined;
}
