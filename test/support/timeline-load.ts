import { randomUUID } from 'node:crypto';
import { Api, type Body } from './api.js';
import type { SupervisedService } from './supervised-service.js';

/** Types of the events that the writers append, besides those that the service writes itself. */
export const appended = ['x.a', 'x.b', 'message.output.delta', 'step_reflection'] as const;

/** Levels of the lines that the writers log. */
export const logged = ['info', 'warn'] as const;

interface Request {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly body: object;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writers that append to runs, and change them and their sessions, while the service is killed under them. */
export class TimelineLoad {
  private running = true;
  private failure: unknown;
  private readonly writers: Promise<unknown>;

  /** @param acknowledged told of every answer */
  constructor(
    private readonly service: SupervisedService,
    runs: readonly string[],
    sessions: readonly string[],
    private readonly acknowledged: () => void,
  ) {
    const writers = [
      ...runs.flatMap((run) => [this.append(run), this.append(run), this.change(run), this.log(run)]),
      ...sessions.map((session) => this.rename(session)),
    ];
    this.writers = Promise.all(writers).catch((error: unknown) => (this.failure = error));
  }

  /** Ends the writers, once each has an answer to its last request. @throws Error when one was refused */
  async settle(): Promise<void> {
    this.running = false;
    await this.writers;
    this.check();
  }

  /** @throws Error when a writer was refused */
  check(): void {
    if (this.failure !== undefined) throw this.failure as Error;
  }

  /** Sends a request that may be sent twice until it is answered. */
  async persist({ method, path, body, headers }: Request): Promise<Body> {
    for (;;) {
      const reply = await new Api(this.service.url, this.service.key)
        .call(method, path, body, headers)
        .catch(() => undefined);
      if (reply !== undefined && reply.status < 300) return reply.body;
      if (reply !== undefined && reply.status < 500) {
        throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
      }
      await this.service.ready();
    }
  }

  private async append(run: string): Promise<void> {
    for (let n = 0; this.running; n++) {
      const events = Array.from({ length: 1 + (n % 4) }, (_, k) => ({
        id: randomUUID(),
        type: appended[(n + k) % appended.length],
        data: { n, text: 'a reflection', delta: 'some text' },
      }));
      await this.persist({ method: 'POST', path: `/runs/${run}/events`, body: { events } });
      this.acknowledged();
    }
  }

  private async log(run: string): Promise<void> {
    const producer = { 'producer-id': randomUUID(), 'producer-epoch': '0' };
    for (let n = 0; this.running; n++) {
      const entries = Array.from({ length: 1 + (n % 7) }, (_, k) => ({
        message: `line ${n} ${k}`,
        level: logged[(n + k) % logged.length],
      }));
      const headers = { ...producer, 'producer-seq': String(n) };
      await this.persist({ method: 'POST', path: `/runs/${run}/logs`, body: { entries }, headers });
      this.acknowledged();
    }
  }

  private async change(run: string): Promise<void> {
    for (let n = 0; this.running; n++) {
      await this.persist({ method: 'PATCH', path: `/runs/${run}`, body: { metadata: { n } } });
      this.acknowledged();
    }
  }

  private async rename(session: string): Promise<void> {
    for (let n = 0; this.running; n++) {
      await this.persist({ method: 'PATCH', path: `/sessions/${session}`, body: { title: `Title ${n}` } });
      this.acknowledged();
    }
  }
}
