import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import type { Sql } from './projection.js';

const retryMs = 100;
const key = (id: string): string => `hashtextextended(${id}, 0x524c5052)`;

/**
 * Shows all who share the database that this process is alive: the session of a connection holds an advisory
 * lock that is named by an id. When the process dies, that is seen at once.
 */
export class Presence {
  private client: Client | undefined;
  private stopped = false;

  /**
   * @param patienceMs how long the connection may be gone before this counts as absent; others must wait longer
   * @param lost is told when it does: whoever relied on this id being present does not any more
   */
  constructor(
    private readonly url: string,
    private readonly id: string,
    private readonly patienceMs: number,
    private readonly lost: () => void,
  ) {}

  /** Resolves when the id is present. */
  async start(): Promise<void> {
    const client = new Client({
      connectionString: this.url,
      application_name: 'runledger presence',
      keepAlive: true,
    });
    client.on('error', () => undefined);
    await client.connect();
    client.once('end', () => {
      if (this.client === client) void this.again();
    });
    await client.query(`SELECT pg_advisory_lock(${key('$1')})`, [this.id]);
    this.client = client;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.client?.end().catch(() => undefined);
  }

  private async again(): Promise<void> {
    const until = Date.now() + this.patienceMs;
    while (!this.stopped && Date.now() < until) {
      const back = this.start().then(
        () => true,
        () => false,
      );
      const left = Math.max(0, until - Date.now());
      if (await Promise.race([back, pause(left, false)])) return;
      await pause(retryMs);
    }
    if (this.stopped) return;
    await this.stop();
    this.lost();
  }
}

/** Which of these ids are present. */
export async function present(sql: Sql, ids: readonly string[]): Promise<Set<string>> {
  const rows = await sql.query<{ id: string }>(
    `SELECT p.id FROM unnest($1::text[]) AS p(id) WHERE EXISTS (
       SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
         AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND ((l.classid::bigint << 32) | l.objid::bigint) = ${key('p.id')})`,
    [ids],
  );
  return new Set(rows.map(({ id }) => id));
}
