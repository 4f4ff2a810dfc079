import type { Writable } from 'node:stream';
import { type RecordedEvent, type Streams, unseal } from '#eventsourcing';
import { inputStreamOf, type ProcessInputGiven } from './process-input.events.js';
import type { ProcessKeys } from './process-keys.js';

/** Brings what is given for the standard input of a process to it, as fast as it reads. */
export class ProcessFeeder {
  private next = 0;
  private woken = false;
  private feeding = false;

  constructor(
    private readonly streams: Streams,
    private readonly keys: ProcessKeys,
    private readonly processId: string,
    private readonly stdin: Writable,
    private readonly failed: (error: unknown) => void,
  ) {
    // A process that does not read to the end is not at fault.
    stdin.on('error', () => undefined);
  }

  /** There may be more. */
  wake(): void {
    this.woken = true;
    if (!this.feeding) void this.feed();
  }

  private async feed(): Promise<void> {
    this.feeding = true;
    try {
      while (this.woken) {
        this.woken = false;
        for await (const event of this.streams.read(inputStreamOf(this.processId), { from: this.next })) {
          this.next = event.revision + 1;
          await this.give((event as RecordedEvent<ProcessInputGiven>).data);
        }
      }
    } catch (error) {
      this.failed(error);
    } finally {
      this.feeding = false;
    }
  }

  private async give({ sealed, closes }: ProcessInputGiven['data']): Promise<void> {
    const key = sealed === undefined ? undefined : await this.keys.of('input', this.processId);
    if (sealed !== undefined && key !== undefined && this.stdin.writable) {
      if (!this.stdin.write(unseal(key, sealed))) await drained(this.stdin);
    }
    if (closes) this.stdin.end();
  }
}

/** Resolves when a stream takes more, or nothing ever again, and leaves no listener behind. */
function drained(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      stream.off('drain', over).off('close', over);
      resolve();
    };
    stream.on('drain', over).on('close', over);
  });
}
