import type { Fact } from '#eventsourcing';

/** A piece for the standard input of a process, sealed with the key of its input. */
export type ProcessInputGiven = Fact<
  'ProcessInputGiven',
  {
    readonly sealed?: string;
    /** Whether nothing follows. */
    readonly closes: boolean;
  }
>;

/** The stream that holds the input of a process until it has ended. */
export const inputStreamOf = (processId: string): string => `processInput-${processId}`;
