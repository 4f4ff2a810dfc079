import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { addressIn, ended, spawnServer } from './server.js';

export type Victim = 'server' | 'postgres' | 'both';

/** Waits for something that processes bring about; the limit of the test bounds it. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20);
}

/** The whole service as `npm start` runs it: a supervised server with a durable Postgres of its own. */
export class SupervisedService {
  readonly key = 'rl_key-of-the-supervised-service';
  readonly dataDir = mkdtempSync(join(tmpdir(), 'runledger-service-'));
  private readonly child: ChildProcess;
  private becomingReady: Promise<void> | undefined;
  /** All that its processes wrote to stdout and stderr so far. */
  readonly output: () => string;

  /** @param settings beside its data and its key */
  constructor(settings: Readonly<Record<string, string>> = {}) {
    const env = { ...settings, DATA_DIR: this.dataDir, BOOTSTRAP_API_KEY: this.key };
    ({ child: this.child, output: this.output } = spawnServer(env, { program: 'scripts/start.mjs' }));
  }

  /** Address of the newest server, which is on its way up or down perhaps. */
  get url(): string {
    return addressIn(this.output()) ?? 'http://127.0.0.1:9';
  }

  /** Connection string of the embedded Postgres. */
  get databaseUrl(): string {
    const password = readFileSync(join(this.dataDir, 'postgres-password'), 'utf8').trim();
    const port = readFileSync(this.pidFile, 'utf8').split('\n')[3] ?? '';
    return `postgres://postgres:${password}@127.0.0.1:${port}/runledger`;
  }

  /** Waits until it is ready by its own account. All who wait ask it together. */
  ready(): Promise<void> {
    this.becomingReady ??= this.until(() => isReady(this.url)).finally(() => {
      this.becomingReady = undefined;
    });
    return this.becomingReady;
  }

  /** `kill -9`, and waits until other processes have taken the place of those killed, and are ready. */
  async killAndRecover(victim: Victim): Promise<void> {
    const server = this.serverPid();
    const postmaster = this.postmasterPid();
    const postgres = victim === 'server' ? [] : [postmaster, ...childrenOf(postmaster)];
    for (const pid of victim === 'postgres' ? postgres : [server, ...postgres]) killNow(pid);
    await this.until(() => victim === 'postgres' || isAnother(this.serverPid(), server));
    await this.until(() => isAnother(this.postmasterPid(), postmaster));
    await this.ready();
  }

  async stop(): Promise<void> {
    await ended(this.child, 'SIGTERM');
    rmSync(this.dataDir, { recursive: true, force: true });
  }

  /** Waits as long as the supervisor lives. @throws Error with what it wrote, when it has ended */
  private until(condition: () => boolean | Promise<boolean>): Promise<void> {
    return until(() => {
      if (this.child.exitCode !== null) throw new Error(`npm start has ended:\n${this.output()}`);
      return condition();
    });
  }

  private get pidFile(): string {
    return join(this.dataDir, 'postgres', 'postmaster.pid');
  }

  private serverPid(): number {
    return numberIn(join(this.dataDir, 'server.json'), /"pid":(\d+)/);
  }

  private postmasterPid(): number {
    return numberIn(this.pidFile, /^(\d+)/);
  }
}

const isAnother = (pid: number, before: number): boolean => pid > 0 && pid !== before;

/** A number in a file, 0 while it is not there. */
function numberIn(file: string, pattern: RegExp): number {
  try {
    return Number(pattern.exec(readFileSync(file, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/readyz`)).status === 200;
  } catch {
    return false;
  }
}

/** The processes that a process has made, where /proc tells; elsewhere they end by themselves without it. */
export function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    );
  } catch {
    return [];
  }
}

function killNow(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // A process that has just ended by itself is as dead as it should be.
  }
}
