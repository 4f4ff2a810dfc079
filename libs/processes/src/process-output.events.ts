import type { Fact } from '#eventsourcing';
import type { OutputStream } from './process.events.js';

/** Text as it is, so that who reads the history can read it; what is not text as base64. */
export type OutputContent = { readonly text: string } | { readonly base64: string };

/** A piece of what a process wrote to one of its streams. */
export type ProcessOutputWritten = Fact<
  'ProcessOutputWritten',
  {
    readonly stream: OutputStream;
    /** Bytes kept of each stream before this piece: where it stands in its own, and where the other has come to. */
    readonly stdout: number;
    readonly stderr: number;
  } & OutputContent
>;

/** The stream that holds the output of a process. */
export const outputStreamOf = (processId: string): string => `processOutput-${processId}`;
