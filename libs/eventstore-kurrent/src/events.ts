import {
  type EventData,
  jsonEvent,
  type Position,
  streamNameFilter,
  type AllStreamResolvedEvent,
  type ResolvedEvent,
} from '@kurrent/kurrentdb-client';
import type { EventMetadata, NewEvent, RecordedEvent } from '#eventsourcing';

export type Resolved = AllStreamResolvedEvent | ResolvedEvent;

export const toStore = ({ id, type, data, metadata }: NewEvent): EventData =>
  jsonEvent({ id, type, data: data as Record<string, unknown>, metadata: { ...metadata } });

/**
 * Whom everything is asked of. The client's native reader asks the leader by itself, the rest of it
 * whatever node its own connection has come to: a subscription would be behind the head that we read.
 */
export const ofLeader = { requiresLeader: true } as const;

/**
 * For appends: the client tells the time of day by which they must be done, and a server whose clock is
 * ahead would give them up at once. Its own `WriteTimeoutMs` ends them long before (Streams.BatchAppend.cs).
 */
export const byAnyClock = { ...ofLeader, deadline: 24 * 3_600_000 } as const;

/** Events that we write take part in no explicit transaction: they lie where they are committed. */
export const at = (position: bigint): Position => ({ commit: position, prepare: position });

/** @throws Error when the server does not say where the event lies, as servers before 23.10 do */
export function fromStore({ event, commitPosition }: Resolved): RecordedEvent | undefined {
  if (event === undefined || event.streamId.startsWith('$')) return undefined;
  const position = event.position?.commit ?? commitPosition;
  if (position === undefined || position > 2n ** 63n) {
    throw new Error('KurrentDB 23.10 or later is needed: the server does not tell positions on stream reads');
  }
  return {
    id: event.id,
    type: event.type,
    data: event.data as object,
    metadata: event.metadata as unknown as EventMetadata,
    stream: event.streamId,
    revision: Number(event.revision),
    position,
  };
}

type FilterOptions = Omit<Parameters<typeof streamNameFilter>[0], 'prefixes' | 'regex'>;

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');

/**
 * Streams of these prefixes, or all but the server's own. The server compares prefixes as a language
 * does it (EventFilter.cs): accents and invisible characters would count differently than here.
 */
export const filterBy = (prefixes: readonly string[] = [], options: FilterOptions = {}) =>
  streamNameFilter({
    regex: prefixes.length === 0 ? '^[^$]' : `^(?:${prefixes.map(literal).join('|')})`,
    ...options,
  });
