/** Any value that JSON can carry, exactly as it is stored. */
export type Json = null | boolean | number | string | Json[] | JsonObject;
export interface JsonObject {
  [key: string]: Json | undefined;
}

/**
 * A fact: something that has happened, named in the past tense, as plain data.
 * Time, actor, stream and cause live in the envelope (Emmett, `typing/event.ts`).
 */
export interface Fact<Type extends string = string, Data extends object = object> {
  readonly type: Type;
  readonly data: Data;
}

/** What surrounds a fact. `$`-names are the ones KurrentDB's own projections understand. */
export interface EventMetadata {
  /** The whole piece of work that this event belongs to: the trace id or the first request. */
  readonly $correlationId: string;
  /** The command (request) or event that made this one happen. */
  readonly $causationId: string;
  /** Principal id of who did it. */
  readonly actor: string;
  readonly project: string;
  /** RFC 3339 UTC with milliseconds, by the writer's clock. */
  readonly at: string;
  /** Version of the shape of `data`; absent means 1. */
  readonly schemaVersion?: number;
  readonly traceparent?: string;
}

/** An event on its way to the store. `id` is a UUID; the same id twice is the same event. */
export interface NewEvent<F extends Fact = Fact> {
  readonly id: string;
  readonly type: F['type'];
  readonly data: F['data'];
  readonly metadata: EventMetadata;
}

/** An event as the store keeps it. */
export interface RecordedEvent<F extends Fact = Fact> extends NewEvent<F> {
  readonly stream: string;
  /** Number of the event in its stream, from 0. */
  readonly revision: number;
  /** Place in the global order; grows, is never reused, and may have gaps. */
  readonly position: bigint;
}

/** Which event it is, with the SHA-256 of its `eventContent`, in hexadecimal, in place of that. */
export type DigestedEvent = Pick<RecordedEvent, 'id' | 'type' | 'stream' | 'revision' | 'position'> & {
  readonly digest: string;
};
