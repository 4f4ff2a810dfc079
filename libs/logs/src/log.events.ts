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
  }
>;

/** The stream that holds the log of a run. */
export const logStreamOf = (runId: string): string => `runLog-${runId}`;
