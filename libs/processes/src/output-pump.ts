import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { AttachedLines } from './attached-lines.js';
import { CappedOutput } from './capped-output.js';
import type { OutputAppender } from './output-appender.js';
import type { OutputStream, StreamFigures } from './process.events.js';

/** How long the stream of a process that has ended may be silent, while others hold it open, in milliseconds. */
const silenceMs = 300;

/** Brings one stream of a process to where it is kept, no faster than it can be kept. */
export class OutputPump {
  private readonly capped: CappedOutput;
  private readonly done: Promise<void>;
  private movedAt = Date.now();
  private storing = false;
  private over = false;

  constructor(
    readable: Readable,
    private readonly stream: OutputStream,
    limit: number,
    private readonly appender: OutputAppender,
    private readonly lines: AttachedLines | undefined,
  ) {
    this.capped = new CappedOutput(limit);
    this.done = this.pump(readable);
    // Told to whoever asks for the figures.
    this.done.catch(() => undefined);
  }

  /**
   * Once the process has ended: what it wrote, when all of that is stored. Who still holds the stream open,
   * and says nothing, is not waited for.
   * @throws what the store refused a piece with
   */
  async figures(): Promise<StreamFigures> {
    const pump = { ended: false };
    const done = this.done.finally(() => (pump.ended = true));
    this.movedAt = Date.now();
    while (!pump.ended && (this.storing || Date.now() - this.movedAt < silenceMs)) {
      await Promise.race([done, pause(silenceMs / 4)]);
    }
    await (pump.ended ? done : this.finish());
    return this.capped.figures;
  }

  private async pump(readable: Readable): Promise<void> {
    for await (const chunk of readable as AsyncIterable<Buffer>) {
      // What others write behind the end is read, lest they be stopped by it, and dropped.
      if (this.over) continue;
      this.storing = true;
      await this.keep(this.capped.take(chunk));
      this.storing = false;
      this.movedAt = Date.now();
    }
    if (!this.over) await this.finish();
  }

  private async finish(): Promise<void> {
    this.over = true;
    await this.keep(this.capped.end());
    await Promise.all([this.lines?.end(), this.appender.stored()]);
  }

  private async keep(bytes: Buffer): Promise<void> {
    await Promise.all([this.lines?.write(bytes), this.appender.append(this.stream, bytes)]);
  }
}
