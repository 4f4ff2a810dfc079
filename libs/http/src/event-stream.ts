import type { ServerResponse } from 'node:http';
import { rangesOf } from './accept.js';
import type { RequestContext } from './context.js';
import { ProblemError } from './problems.js';

/** Advice to clients: how long to wait before they connect again, in milliseconds. */
const retryAdvice = 1_000;

/**
 * One answer of Server-Sent Events (WHATWG HTML, section 9.2). The socket's own buffer is the only one:
 * who writes asks `full` first, and waits for `drained`.
 */
export class EventStream {
  private readonly response: ServerResponse;
  private readonly listeners = new Set<() => void>();
  private waiting = false;
  /** When the socket's buffer became full, or something was last written; milliseconds since 1970. */
  private changedAt = Date.now();

  /** Sends the head at once. The request's handler must not answer any more. */
  constructor(readonly ctx: RequestContext) {
    const { reply } = ctx;
    ctx.opened?.();
    reply.hijack();
    this.response = reply.raw;
    this.response.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    this.response.on('drain', () => {
      this.waiting = false;
      this.tell();
    });
    for (const over of ['finish', 'close']) {
      this.response.on(over, () => {
        this.tell();
      });
    }
    // A broken socket also closes.
    this.response.on('error', () => undefined);
    this.write(`retry: ${retryAdvice}\n\n`);
  }

  get open(): boolean {
    return !this.response.destroyed && !this.response.writableEnded;
  }

  /** Whether to wait with more until the client has read some. */
  get full(): boolean {
    return this.waiting;
  }

  /** How long nothing has moved, in milliseconds. */
  quietFor(now: number): number {
    return now - this.changedAt;
  }

  /** @param encoding `latin1` costs less, where there is nothing but ASCII */
  write(frames: string, encoding: 'utf8' | 'latin1' = 'utf8'): void {
    if (!this.open) return;
    this.changedAt = Date.now();
    if (!this.response.write(frames, encoding)) this.waiting = true;
  }

  /** Resolves when more can be written, or nothing ever again. */
  async drained(): Promise<void> {
    while (this.waiting && this.open) await this.changed();
  }

  /** Resolves when the client has gone, or has been sent everything up to the end. */
  async closed(): Promise<void> {
    while (!this.response.destroyed && !this.response.writableFinished) await this.changed();
  }

  /** Ends the answer after what was written. */
  end(): void {
    if (this.open) this.response.end();
    this.tell();
  }

  /** Cuts the connection: the client does not read, and what it has not read it will ask for again. */
  cut(): void {
    this.response.destroy();
  }

  private changed(): Promise<void> {
    return new Promise((resolve) => {
      const listener = (): void => {
        this.listeners.delete(listener);
        resolve();
      };
      this.listeners.add(listener);
    });
  }

  private tell(): void {
    this.changedAt = Date.now();
    for (const listener of [...this.listeners]) listener();
  }
}

/** One frame. @param data is written as one line of JSON */
export const frame = (event: string, data: unknown, id?: number | bigint): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

/** Whether the client wants the answer as a stream of events: it names that, and no other form that it wants more. */
export function wantsEventStream({ request }: RequestContext): boolean {
  const ranges = rangesOf(request.headers.accept);
  const wanted = ranges.find(({ type }) => type === 'text/event-stream')?.quality ?? 0;
  return wanted > 0 && !ranges.some(({ type, quality }) => quality > wanted && !type.includes('*'));
}

/**
 * Refuses what asks for a page: a stream goes on, oldest first, from the id that its client has.
 * @throws ProblemError validation_failed
 */
export function refusePages(query: { limit?: number; cursor?: string; order?: string }): void {
  const { limit, cursor, order } = query;
  const asked = { limit, cursor, order: order === 'asc' ? undefined : order };
  const detail = 'is for a page, and cannot be given for an answer of type text/event-stream';
  const errors = Object.entries(asked).flatMap(([parameter, value]) =>
    value === undefined ? [] : [{ parameter, detail }],
  );
  const [first] = errors;
  if (first !== undefined)
    throw new ProblemError('validation_failed', `${first.parameter} ${detail}.`, { errors });
}
