import type { Pool } from 'pg';
import { type CommandSeed, uuidv7 } from '#eventsourcing';
import { query } from '#postgres';
import type { Answer } from './early-answer.js';
import { type Begun, type Claim, IdempotencyStore } from './idempotency.js';
import { type Instance, instanceLock } from './instance.js';

/** The table of remembered keys, and the numbers of server processes. */
export const idempotencyTable = `
CREATE TABLE idempotency_keys (
  caller text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  command_id uuid NOT NULL,
  -- When the command arrived, in milliseconds since 1970.
  arrived_at bigint NOT NULL,
  -- The server process that runs it; 0 when none does.
  instance integer NOT NULL,
  -- All three null until the command has been done.
  status smallint,
  headers json,
  body text,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_expires_at_idx ON idempotency_keys (expires_at);
CREATE SEQUENCE idempotency_instances AS integer CYCLE;
`;

const keptFor = '24 hours';
const nobody = 0;

interface Row {
  fingerprint: string;
  command_id: string;
  arrived_at: string;
  instance: number;
  status: number | null;
  headers: Record<string, string> | null;
  body: string | null;
  owner_lives: boolean;
}

/** Remembers keys in `idempotency_keys`; a key costs one round trip before its command and one after. */
export class PostgresIdempotency extends IdempotencyStore {
  /** Commands of this process that are still running. */
  private readonly running = new Set<string>();

  constructor(
    private readonly pool: Pool,
    private readonly instance: Instance,
  ) {
    super();
  }

  async begin(claim: Claim): Promise<Begun> {
    for (;;) {
      const seed = { id: uuidv7(), at: Date.now(), recovering: false };
      this.running.add(seed.id);
      if (await this.inserted(claim, seed)) return { kind: 'new', seed };
      this.running.delete(seed.id);
      const row = await this.find(claim);
      // The first attempt was refused in between, and has freed the key.
      if (row !== undefined) return this.met(claim, row);
    }
  }

  async complete(claim: Claim, seed: CommandSeed, answer: Answer): Promise<void> {
    await this.ended(
      seed,
      `UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
       WHERE caller = $1 AND key = $2 AND command_id = $3`,
      [claim.caller, claim.key, seed.id, answer.status, JSON.stringify(answer.headers), answer.body],
    );
  }

  async abandon(claim: Claim, seed: CommandSeed): Promise<void> {
    await this.ended(
      seed,
      `DELETE FROM idempotency_keys
       WHERE caller = $1 AND key = $2 AND command_id = $3 AND status IS NULL AND instance = $4`,
      [claim.caller, claim.key, seed.id, this.instance.number],
    );
  }

  async release(claim: Claim, seed: CommandSeed): Promise<void> {
    await this.ended(
      seed,
      `UPDATE idempotency_keys SET instance = ${nobody}
       WHERE caller = $1 AND key = $2 AND command_id = $3 AND status IS NULL AND instance = $4`,
      [claim.caller, claim.key, seed.id, this.instance.number],
    );
  }

  /** Forgets what has expired, some at a time. @returns how many were forgotten */
  async forgetExpired(batch = 1_000): Promise<number> {
    let forgotten = 0;
    for (;;) {
      const { rowCount } = await query(this.pool, {
        text: `DELETE FROM idempotency_keys WHERE (caller, key) IN (
           SELECT caller, key FROM idempotency_keys WHERE expires_at <= now()
           ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED)`,
        values: [batch],
      });
      forgotten += rowCount ?? 0;
      if ((rowCount ?? 0) < batch) return forgotten;
    }
  }

  private async inserted({ caller, key, fingerprint }: Claim, seed: CommandSeed): Promise<boolean> {
    try {
      const { rowCount } = await query(this.pool, {
        name: 'idempotency-begin',
        text: `INSERT INTO idempotency_keys AS k
             (caller, key, fingerprint, command_id, arrived_at, instance, expires_at)
           VALUES ($1, $2, $3, $4, $5, $6, now() + interval '${keptFor}')
           ON CONFLICT (caller, key) DO UPDATE SET fingerprint = excluded.fingerprint,
             command_id = excluded.command_id, arrived_at = excluded.arrived_at, instance = excluded.instance,
             status = NULL, headers = NULL, body = NULL, expires_at = excluded.expires_at
           WHERE k.expires_at <= now()`,
        values: [caller, key, fingerprint, seed.id, seed.at, this.instance.number],
      });
      return rowCount === 1;
    } catch (error) {
      this.running.delete(seed.id);
      throw error;
    }
  }

  private async find({ caller, key }: Claim): Promise<Row | undefined> {
    const { rows } = await query<Row>(this.pool, {
      text: `SELECT fingerprint, command_id, arrived_at, instance, status, headers, body, EXISTS (
         SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 2 AND l.granted
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.classid = ${instanceLock}::oid AND l.objid = k.instance::oid) AS owner_lives
       FROM idempotency_keys k WHERE caller = $1 AND key = $2`,
      values: [caller, key],
    });
    return rows[0];
  }

  private async met(claim: Claim, row: Row): Promise<Begun> {
    if (row.fingerprint !== claim.fingerprint) return { kind: 'reused' };
    if (row.status !== null) {
      return {
        kind: 'replay',
        answer: { status: row.status, headers: row.headers ?? {}, body: row.body ?? '' },
      };
    }
    const mine = row.instance === this.instance.number;
    if (this.running.has(row.command_id) || (row.owner_lives && !mine)) return { kind: 'in_progress' };
    this.running.add(row.command_id);
    if (!(await this.takenOver(claim, row))) {
      this.running.delete(row.command_id);
      return { kind: 'in_progress' };
    }
    return { kind: 'recover', seed: { id: row.command_id, at: Number(row.arrived_at), recovering: true } };
  }

  /** Of several that try at once, one succeeds. */
  private async takenOver({ caller, key }: Claim, row: Row): Promise<boolean> {
    const { rowCount } = await query(this.pool, {
      text: `UPDATE idempotency_keys SET instance = $4
       WHERE caller = $1 AND key = $2 AND command_id = $3 AND instance = $5 AND status IS NULL`,
      values: [caller, key, row.command_id, this.instance.number, row.instance],
    });
    return rowCount === 1;
  }

  private async ended(seed: CommandSeed, text: string, values: unknown[]): Promise<void> {
    try {
      await query(this.pool, { text, values });
    } finally {
      this.running.delete(seed.id);
    }
  }
}
