import type { Fact } from '#eventsourcing';
import type { OutputStream } from './process.events.js';

/** A piece of what a process wrote to one of its streams. */
export type ProcessOutputWritten = Fact<
  'ProcessOutputWritten',
  {
    readonly stream: OutputStream;
    /** Bytes kept of each stream before this piece: where it stands in its own, and where the other has come to. */
    readonly stdout: number;
    readonly stderr: number;
    readonly base64: string;
  }
>;

/** The stream that holds the output of a process. */
export const outputStreamOf = (processId: string): string => `processOutput-${processId}`;

/** How many bytes a piece holds. */
export const bytesOf = ({ base64 }: ProcessOutputWritten['data']): number =>
  (base64.length / 4) * 3 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0);
