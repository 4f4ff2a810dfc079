import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { ensureCluster, environment, oneLine, user } from './postgres-cluster.js';
import { endLeftovers } from './postgres-leftovers.js';
import { type Account, launchOf, postgresAccount, postgresPrograms } from './postgres-programs.js';
import { tuning } from './postgres-tuning.js';
import { StartProblem, codeOf, reasonOf } from './start-problem.js';

const database = 'runledger';
const logLimit = 8 * 1024 * 1024;

export interface EmbeddedPostgresOptions {
  /** Absolute path; the cluster is kept in `postgres` under it, with its log and its password beside. */
  readonly dataDir: string;
  /** Settings over our own, such as `{ fsync: 'off' }` for databases that nobody will miss. */
  readonly tuning?: Readonly<Record<string, string>>;
  /** Told in one sentence when Postgres went away by itself, and when it is back. */
  readonly notice?: (sentence: string) => void;
}

/**
 * A Postgres of our own, kept running until `stop`: should it die, it is started again on the same port.
 * Needs the data dir for itself (see instance-lock.ts).
 */
export class EmbeddedPostgres {
  private child: ChildProcess | undefined;
  private stopping = false;

  private constructor(
    private readonly options: EmbeddedPostgresOptions,
    private readonly account: Account | undefined,
    private readonly password: string,
    private readonly port: number,
  ) {}

  /** Starts it, making the cluster the first time; resolves when it answers. Rejects with a `StartProblem`. */
  static async start(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
    const cluster = join(options.dataDir, 'postgres');
    const account = postgresAccount(cluster);
    const password = await ensureCluster(options.dataDir, cluster, account);
    const postgres = new EmbeddedPostgres(options, account, password, await freePort());
    await endLeftovers(cluster);
    await postgres.launch();
    await postgres.ensureDatabase();
    return postgres;
  }

  /** Connection string of the database; it carries the password. */
  get url(): string {
    return this.urlOf(database);
  }

  /** Shuts down fast: transactions under way are rolled back, everything committed is on disk. */
  async stop(): Promise<void> {
    this.stopping = true;
    const { child } = this;
    if (!child || isOver(child)) return;
    const exit = once(child, 'exit');
    child.kill('SIGINT');
    await exit;
  }

  private urlOf(name: string): string {
    return `postgres://${user}:${this.password}@127.0.0.1:${this.port}/${name}`;
  }

  private get cluster(): string {
    return join(this.options.dataDir, 'postgres');
  }

  private async launch(): Promise<void> {
    const settings = { ...tuning, ...this.options.tuning, port: String(this.port) };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const { postgres } = postgresPrograms();
    const { program, args, ...account } = launchOf(
      postgres,
      ['-D', this.cluster, ...flags],
      this.cluster,
      this.account,
    );
    const log = openLog(join(this.options.dataDir, 'postgres.log'));
    // A session of its own: Ctrl-C at the terminal must reach us first, so that we can drain.
    const child = spawn(program, args, {
      ...account,
      env: environment,
      stdio: ['ignore', log.fd, log.fd],
      detached: true,
    });
    closeSync(log.fd);
    this.child = child;
    const failed = new Promise<never>((_, reject) => child.once('error', reject));
    await Promise.race([failed, this.untilReady(child, log.path)]);
    child.once('exit', () => void this.revive());
    if (isOver(child)) void this.revive();
  }

  /** Waits for it to answer, through crash recovery for as long as that takes. */
  private async untilReady(child: ChildProcess, log: string): Promise<void> {
    while (!isOver(child)) {
      const client = new pg.Client({ connectionString: this.urlOf('postgres') });
      client.on('error', () => undefined); // told by the calls below
      try {
        await client.connect();
        await client.end();
        return;
      } catch (error) {
        // Refused, or "the database system is starting up"; anything else will not pass by waiting.
        if (!['ECONNREFUSED', 'ECONNRESET', '57P03'].includes(codeOf(error) ?? 'ECONNRESET')) {
          child.kill('SIGINT');
          throw new StartProblem(`The embedded Postgres does not let us in: ${reasonOf(error)}.`);
        }
        await delay(20);
      }
    }
    throw new StartProblem(`The embedded Postgres did not start: ${lastWords(log)} (see ${log})`);
  }

  private async revive(): Promise<void> {
    if (this.stopping) return;
    const { notice = () => undefined } = this.options;
    notice('Postgres ended unexpectedly and is being started again.');
    for (let pause = 50; ; pause = Math.min(pause * 2, 5_000)) {
      try {
        await endLeftovers(this.cluster);
        if (this.hasStopped()) return;
        await this.launch();
        notice('Postgres is running again.');
        return;
      } catch (error) {
        if (this.hasStopped()) return;
        notice(reasonOf(error));
        await delay(pause, undefined, { ref: false });
      }
    }
  }

  private hasStopped(): boolean {
    return this.stopping;
  }

  private async ensureDatabase(): Promise<void> {
    const client = new pg.Client({ connectionString: this.urlOf('postgres') });
    client.on('error', () => undefined); // told by its statements
    await client.connect();
    try {
      const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database]);
      if (found.rowCount === 0) await client.query(`CREATE DATABASE ${database}`);
    } finally {
      await client.end();
    }
  }
}

function openLog(path: string): { path: string; fd: number } {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > logLimit) renameSync(path, `${path}.1`);
  return { path, fd: openSync(path, 'a', 0o600) };
}

function lastWords(log: string): string {
  const lines = readFileSync(log, 'utf8').trim().split('\n').slice(-20);
  const fatal = lines.findLast((line) => line.includes('FATAL')) ?? lines.at(-1) ?? '';
  return oneLine(fatal.replace(/^.*?FATAL:\s*/, ''));
}

function isOver(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

/** A port of the loopback interface that nobody listens on right now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string')
    throw new StartProblem('There is no free port on 127.0.0.1.');
  return address.port;
}
