import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';

/** The two outputs of a process, which the engine sends as frames of one connection. */
export interface Outputs {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

/**
 * Takes the frames apart: a byte that says which output (2 is stderr), three of padding, four of length, and
 * the bytes. Waits for the readers, so one that does not read holds up both outputs, and with them the process.
 */
export function demultiplex(connection: Readable): Outputs {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const pump = async () => {
    let pending: Buffer = Buffer.alloc(0);
    let [target, left] = [stdout, 0];
    for await (const chunk of connection as AsyncIterable<Buffer>) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      while (pending.length > 0) {
        if (left === 0) {
          if (pending.length < 8) break;
          target = pending[0] === 2 ? stderr : stdout;
          left = pending.readUInt32BE(4);
          pending = pending.subarray(8);
        }
        const piece = pending.subarray(0, left);
        pending = pending.subarray(piece.length);
        left -= piece.length;
        if (!target.write(piece)) await once(target, 'drain');
      }
    }
  };
  // A connection that breaks ends the outputs; why the process ended is told elsewhere.
  void pump()
    .catch(() => undefined)
    .finally(() => {
      stdout.end();
      stderr.end();
    });
  return { stdout, stderr };
}
