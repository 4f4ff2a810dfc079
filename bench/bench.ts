import { readFile, writeFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { LoadResult } from './generate.js';
import type { FollowResult } from './follow.js';
import type { Figure } from './row.js';
import { type BenchServer, followers, generator, outputFollower } from './processes.js';

export interface BenchOptions {
  /** Measured time of one round. */
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly rounds: number;
  /** Runs that are stored before reads are measured. */
  readonly runs: number;
  /** The same of sessions. */
  readonly sessions: number;
  readonly burstEntries: number;
  /** How often the time to visibility is taken. */
  readonly samples: number;
  /** Followers of one run at once. */
  readonly followers: number;
  /** Followers that never read a byte, and for how long something is written for them. */
  readonly neverReading: number;
  readonly neverReadingSeconds: number;
  /** Log entries that retention removes at once. */
  readonly retainedEntries: number;
  /** Megabytes that one process writes. */
  readonly outputMegabytes: number;
}

/** One feed that is followed while events are appended to one run. */
export interface Following {
  /** The feed; the run's own by default. */
  readonly path?: string;
  readonly run: string;
  readonly followers: number;
  readonly neverReading?: number;
  /** Milliseconds from one append to the next. */
  readonly every: number;
  /** Size of each event's data. */
  readonly bytes?: number;
  readonly seconds?: number;
}

export interface Request {
  readonly connections: number;
  readonly method: string;
  readonly path: string | readonly string[];
  readonly body?: object;
}

interface Projection {
  readonly name: string;
  readonly state: string;
  readonly lag_events: number;
}

const catchUpLimit = 600_000;

/** What the rows measure with: one server, its generators, and plain calls. */
export class Bench {
  constructor(
    readonly server: BenchServer,
    readonly options: BenchOptions,
  ) {}

  /** Loads the server for one round, or for a number of requests. */
  load({ connections, method, path, body }: Request, requests?: number): Promise<LoadResult> {
    const { url, key } = this.server;
    return generator('load', {
      url,
      key,
      connections,
      method,
      path,
      body: body && JSON.stringify(body),
      seconds: this.options.seconds,
      'warm-up': this.options.warmUpSeconds,
      requests,
    });
  }

  /** Follows a feed, with what is told to it, for one round. */
  follow({
    path,
    run,
    followers: count,
    neverReading,
    every,
    bytes,
    seconds,
  }: Following): Promise<FollowResult> {
    const { url, key, pid } = this.server;
    return followers({
      url,
      key,
      path: path ?? `/v1/runs/${run}/events`,
      run,
      followers: count,
      'never-reading': neverReading,
      every,
      bytes,
      seconds: seconds ?? this.options.seconds,
      'warm-up': this.options.warmUpSeconds,
      'server-pid': pid,
    });
  }

  /** Follows the output of a process to its end. @returns how many bytes there were */
  async followOutput(process: string): Promise<number> {
    const { url, key } = this.server;
    return (await outputFollower({ url, key, path: `/v1/processes/${process}/output` })).bytes;
  }

  /** Reference (a). */
  empty(connections: number): Promise<LoadResult> {
    return this.load({ connections, method: 'POST', path: '/v1/empty' });
  }

  /** The same with one request at a time: what one exchange takes at least. */
  async emptyLatency(): Promise<Figure> {
    const { p50_ms, p99_ms } = await this.empty(1);
    return { name: 'one empty POST', value: p50_ms, unit: 'ms', p50_ms, p99_ms };
  }

  /** Reference (b). */
  rawInsert(connections: number): Promise<LoadResult> {
    return generator('raw-insert', {
      database: this.server.databaseUrl,
      connections,
      seconds: this.options.seconds,
      'warm-up': this.options.warmUpSeconds,
    });
  }

  /** One call of the API. @throws when it is refused */
  async call<T>(method: string, path: string, body?: object): Promise<T> {
    const response = await fetch(new URL(path, this.server.url), {
      method,
      headers: {
        authorization: `Bearer ${this.server.key}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path} was answered ${response.status}`);
    return (await response.json()) as T;
  }

  async createRun(body: object = {}): Promise<string> {
    return (await this.call<{ id: string }>('POST', '/v1/runs', body)).id;
  }

  /** Milliseconds until no projection lags. @throws after ten minutes */
  async catchUp(): Promise<number> {
    const start = performance.now();
    for (;;) {
      const { data } = await this.call<{ data: Projection[] }>('GET', '/v1/projections');
      const waited = performance.now() - start;
      const failing = data.find((projection) => projection.state === 'failing');
      if (failing !== undefined) throw new Error(`the projection ${failing.name} fails`);
      if (data.every((projection) => projection.lag_events === 0)) return waited;
      if (waited > catchUpLimit) throw new Error('the read model did not catch up');
      await delay(20);
    }
  }

  /** Sets the server's high-water mark of resident memory to what it has now. */
  async forgetPeakMemory(): Promise<void> {
    await writeFile(`/proc/${this.server.pid}/clear_refs`, '5');
  }

  /** The server's high-water mark of resident memory, in MB. */
  peakMemory(): Promise<number> {
    return this.memory('VmHWM');
  }

  /** The server's resident memory, in MB. */
  residentMemory(): Promise<number> {
    return this.memory('VmRSS');
  }

  private async memory(name: string): Promise<number> {
    const status = await readFile(`/proc/${this.server.pid}/status`, 'utf8');
    return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? NaN) / 1024;
  }
}
