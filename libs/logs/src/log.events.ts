import type { Fact, JsonObject } from '#eventsourcing';

export const logStreams = ['stdout', 'stderr', 'event'] as const;
export type LogStream = (typeof logStreams)[number];

/** One line of a run's log as it is stored; its `seq` follows from its place. */
export interface LogLine {
  /** RFC 3339 UTC with milliseconds. */
  readonly ts: string;
  readonly stream: LogStream;
  readonly level?: string;
  readonly message: string;
  readonly attributes?: JsonObject;
}

/** One request of a producer that numbers its requests: from 0, one more each, per epoch. */
export interface ProducerRequest {
  readonly id: string;
  readonly epoch: number;
  readonly seq: number;
}

/** Lines were added to the run's log. A large request leaves several, each with the producer's numbers. */
export type LogAppended = Fact<
  'LogAppended',
  {
    /** `seq` of the first entry; the others follow it without a gap. */
    readonly first_seq: number;
    /** Earliest and latest `ts` of the entries. */
    readonly from: string;
    readonly to: string;
    readonly entries: readonly LogLine[];
    readonly producer?: ProducerRequest;
    /** In some events, so that whoever appends need not read those before them: what all of these come to. */
    readonly known?: LogKnown;
  }
>;

/** What an append must know of the events before it, beside the `seq` of the last line. */
export interface LogKnown {
  readonly producers: readonly ProducerRecord[];
  /** Absent when all lines are there. */
  readonly purged?: Omit<LogPurged['data'], 'producers'>;
}

/** The newest requests of a producer, and where their lines were put. */
export interface ProducerRecord {
  readonly id: string;
  readonly epoch: number;
  readonly placed: readonly { readonly seq: number; readonly first_seq: number; readonly last_seq: number }[];
}

/** Why lines were removed: a sweep of retention, by the policy of a scope. */
export interface PurgeCause {
  readonly operation_id: string;
  readonly scope: string;
  /** Name of the manifest in the archive, when they were archived before. */
  readonly archive?: string;
}

/**
 * All lines up to `through_seq` are gone. It stands for them: whoever folds the stream without the events
 * that held them comes to the same. All figures are of everything that was ever removed.
 */
export type LogPurged = Fact<
  'LogPurged',
  {
    readonly through_seq: number;
    /** `seq` of the last line of the log when this was written. */
    readonly last_seq: number;
    /** Of the lines as JSON. */
    readonly bytes: number;
    /** Earliest and latest `ts`. */
    readonly from: string;
    readonly to: string;
    /** Chain over the chunks: SHA-256 of the value before (32 zero bytes at first) and the SHA-256 of the chunk's JSON; hex. */
    readonly sha256: string;
    /** The producers that were known then. */
    readonly producers: readonly ProducerRecord[];
    readonly cause: PurgeCause;
  }
>;

/** The facts of a stream `runLog-<id>`. */
export type LogFact = LogAppended | LogPurged;

/** The stream that holds the log of a run. */
export const logStreamOf = (runId: string): string => `runLog-${runId}`;
