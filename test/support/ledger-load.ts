import type { SupervisedService } from './supervised-service.js';
import { until } from './supervised-service.js';

interface Answer {
  readonly id: string;
  readonly first_seq: number;
  readonly last_seq: number;
}

interface Request {
  readonly method: 'POST' | 'PATCH';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object;
  /** Told of the answer; throws when it contradicts what was answered before. */
  readonly acknowledged: (answer: Answer) => void;
}

/** Refusals that say no more than that nobody knows whether the request was carried out, or that it still is. */
const undecided = new Set(['internal', 'store_unavailable', 'idempotency_key_in_progress']);

/** What the service has acknowledged. */
export class Acknowledged {
  /** Id of the run that was created with this `source`. */
  readonly runs = new Map<string, string>();
  /** Id of the session that was created with this `external_id`. */
  readonly sessions = new Map<string, string>();
  /** Last status of a run, by id. */
  readonly statuses = new Map<string, string>();
  /** Messages of a run's log by their `seq`, by id of the run. */
  readonly lines = new Map<string, Map<number, string>>();

  /** The same request must always have been answered the same. */
  static note<K>(map: Map<K, string>, key: K, value: string): void {
    const before = map.get(key);
    if (before !== undefined && before !== value) {
      throw new Error(`${String(key)} was answered ${before} first and ${value} now`);
    }
    map.set(key, value);
  }
}

/**
 * Concurrent writers that go on while the service is killed under them. What stays without an answer is
 * sent again: at once where order matters, else when all is over.
 */
export class LedgerLoad {
  readonly acknowledged = new Acknowledged();
  acknowledgements = 0;
  readonly unanswered: Request[] = [];
  /** Everything that was sent with an Idempotency-Key. */
  private readonly keyed: Request[] = [];
  private running = true;
  private failure: Error | undefined;
  private readonly writers: Promise<unknown>;

  constructor(private readonly service: SupervisedService) {
    const writers = [1, 2].flatMap((n) => [
      this.createRuns(`run-${n}`),
      this.moveRuns(`moved-${n}`),
      this.appendLines(`log-${n}`),
      // Both name the same sessions.
      this.createSessions(),
    ]);
    this.writers = Promise.all(writers).catch((error: unknown) => {
      this.failure = error as Error;
    });
  }

  /** Waits for so many more acknowledgements. */
  async more(count: number): Promise<void> {
    const enough = this.acknowledgements + count;
    await until(() => this.acknowledgements >= enough || this.failure !== undefined);
    if (this.failure !== undefined) throw this.failure;
  }

  /** Ends the writers; every request that stayed without an answer is sent again until it has one. */
  async settle(): Promise<void> {
    this.running = false;
    await this.writers;
    if (this.failure !== undefined) throw this.failure;
    await inTurns(this.unanswered, (request) => this.persist(request));
  }

  /** Sends everything that had an Idempotency-Key once more: it must be answered as it was. */
  async repeatAll(): Promise<void> {
    await inTurns(this.keyed, (request) => this.persist(request));
  }

  private async createRuns(name: string): Promise<void> {
    for (let n = 0; this.running; n++) await this.tryOnce(this.runCreation(`${name}-${n}`));
  }

  private async createSessions(): Promise<void> {
    const { sessions } = this.acknowledged;
    for (let n = 0; this.running; n++) {
      const external_id = `session-${n}`;
      const request: Request = {
        method: 'POST',
        path: '/v1/sessions',
        body: { external_id, title: `Session ${n}` },
        acknowledged: ({ id }) => {
          Acknowledged.note(sessions, external_id, id);
        },
      };
      await this.tryOnce(request);
      const id = sessions.get(external_id);
      if (id !== undefined && n % 4 === 0) await this.tryOnce(this.runOf(id, external_id));
    }
  }

  /** One run that holds the session; the two writers send the very same request. */
  private runOf(session: string, name: string): Request {
    return this.runCreation(`of-${name}`, { path: `/v1/sessions/${session}/runs` });
  }

  private async moveRuns(name: string): Promise<void> {
    for (let n = 0; this.running; n++) {
      const source = `${name}-${n}`;
      const id = await this.createdRun(source);
      for (const status of ['running', 'completed']) {
        await this.persist({
          method: 'PATCH',
          path: `/v1/runs/${id}`,
          body: { status },
          acknowledged: () => {
            this.acknowledged.statuses.set(id, status);
          },
        });
      }
    }
  }

  private async appendLines(name: string): Promise<void> {
    const id = await this.createdRun(name);
    const lines = new Map<number, string>();
    this.acknowledged.lines.set(id, lines);
    for (let n = 0; this.running; n++) {
      const messages = Array.from({ length: 1 + (n % 3) }, (_, k) => `${name} request ${n} line ${k}`);
      await this.persist({
        method: 'POST',
        path: `/v1/runs/${id}/logs`,
        headers: { 'producer-id': name, 'producer-epoch': '0', 'producer-seq': String(n) },
        body: { entries: messages.map((message) => ({ message })) },
        acknowledged: ({ first_seq }) => {
          messages.forEach((message, k) => {
            Acknowledged.note(lines, first_seq + k, message);
          });
        },
      });
    }
  }

  private async createdRun(source: string): Promise<string> {
    await this.persist(this.runCreation(source));
    return this.acknowledged.runs.get(source) ?? '';
  }

  private runCreation(source: string, { path = '/v1/runs' } = {}): Request {
    const request: Request = {
      method: 'POST',
      path,
      headers: { 'idempotency-key': `key-of-${source}` },
      body: { source, input: { of: source } },
      acknowledged: ({ id }) => {
        Acknowledged.note(this.acknowledged.runs, source, id);
      },
    };
    this.keyed.push(request);
    return request;
  }

  private async tryOnce(request: Request): Promise<void> {
    if (await this.answered(request)) return;
    this.unanswered.push(request);
    await this.service.ready();
  }

  private async persist(request: Request): Promise<void> {
    while (!(await this.answered(request))) await this.service.ready();
  }

  /** Sends it once; false when nobody knows whether it was carried out. @throws Error when it was refused */
  private async answered(request: Request): Promise<boolean> {
    const { method, path, headers, body } = request;
    let status: number;
    let answer: Answer & { code?: string };
    try {
      const response = await fetch(`${this.service.url}${path}`, {
        method,
        headers: {
          authorization: `Bearer ${this.service.key}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify(body),
      });
      status = response.status;
      answer = (await response.json()) as typeof answer;
    } catch {
      return false;
    }
    if (undecided.has(answer.code ?? '')) return false;
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    request.acknowledged(answer);
    this.acknowledgements++;
    return true;
  }
}

/** Does the work for all items, some at a time. */
export async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values();
  const worker = async (): Promise<void> => {
    for (const item of left) await work(item);
  };
  await Promise.all(Array.from({ length: 16 }, worker));
}
