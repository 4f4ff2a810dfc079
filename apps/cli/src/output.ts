import type { Writable } from 'node:stream';

/** Whoever read the output has closed it (`| head`): a normal end. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed';
}

const closed = new Set(['EPIPE', 'ECONNRESET', 'EIO', 'ERR_STREAM_DESTROYED']);

/** Where a command prints. */
export interface Output {
  /** True when people read it, so that lists become tables. */
  readonly terminal: boolean;
  /** True when they are to see it in colours. */
  readonly colours: boolean;
  /** Resolves when the reader is ready for more. @throws OutputClosed, or why it cannot be written, as on a full disk */
  write(text: string | Uint8Array): Promise<void>;
}

/** @param env `NO_COLOR` (https://no-color.org) and `TERM=dumb` ask for no colours */
export const outputTo = (
  stream: Writable & { readonly isTTY?: boolean },
  { NO_COLOR: noColour = '', TERM: terminal }: NodeJS.ProcessEnv,
): Output => {
  // Each write reports its own error; without a listener the stream would throw it a second time.
  stream.on('error', () => undefined);
  return {
    terminal: stream.isTTY === true,
    colours: stream.isTTY === true && noColour === '' && terminal !== 'dumb',
    write: (text) =>
      new Promise((resolve, reject) => {
        stream.write(text, (error: NodeJS.ErrnoException | null | undefined) => {
          if (!error) resolve();
          else reject(closed.has(error.code ?? '') ? new OutputClosed(error.message) : error);
        });
      }),
  };
};
