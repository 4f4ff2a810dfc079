import type { Client } from 'pg';
import type { Batch } from '#eventsourcing';
import { leaderLocks } from './leadership.js';
import type { Projection, Sql } from './projection.js';
import { clockChannel } from './read-model-clock.js';

export type BuildKind = 'serving' | 'building';

/** By name they are sent together with what is behind or before them. */
const begin = { name: 'begin', text: 'BEGIN' };
const commit = { name: 'commit', text: 'COMMIT' };

/** One build of a projection: its schema, and its row in the register. */
export class ProjectionBuild {
  readonly schema: string;
  /** Events that were folded without a statement, and are counted with the next checkpoint. */
  private uncounted = 0;

  constructor(
    private readonly client: Client,
    private readonly projection: Projection,
    readonly kind: BuildKind,
  ) {
    this.schema = kind === 'serving' ? projection.name : `${projection.name}_next`;
  }

  /** How far this build has come, or undefined when there is none of the projection's version. */
  async position(): Promise<bigint | undefined> {
    const { rows } = await this.client.query<{ position: string }>(
      'SELECT position FROM runledger.projections WHERE name = $1 AND build = $2 AND version = $3',
      [this.projection.name, this.kind, this.projection.version],
    );
    return rows[0] === undefined ? undefined : BigInt(rows[0].position);
  }

  /** Whether anything of it is there, of whatever version. */
  async begun(): Promise<boolean> {
    const { rows } = await this.client.query(
      'SELECT 1 FROM runledger.projections WHERE name = $1 AND build = $2',
      [this.projection.name, this.kind],
    );
    return rows.length > 0;
  }

  /** Waits until no other connection builds the projection; then none does until `unlock`, or this one's end. */
  async lock(): Promise<void> {
    await this.client.query('SELECT pg_advisory_lock($1, hashtext($2))', this.lockKey);
  }

  async unlock(): Promise<void> {
    await this.client.query('SELECT pg_advisory_unlock($1, hashtext($2))', this.lockKey);
  }

  private get lockKey(): [number, string] {
    return [leaderLocks.projector, `${this.projection.name} build`];
  }

  /** Makes empty tables, in place of whatever an earlier try left behind. */
  async create(): Promise<void> {
    const { name, version, tables } = this.projection;
    await this.transaction(async () => {
      await this.client.query(`DROP SCHEMA IF EXISTS "${this.schema}" CASCADE`);
      await this.client.query(`CREATE SCHEMA "${this.schema}"`);
      await this.enter();
      await this.client.query(tables);
      await this.client.query(
        `INSERT INTO runledger.projections (name, build, version) VALUES ($1, $2, $3)
         ON CONFLICT (name, build) DO UPDATE
         SET version = excluded.version, position = 0, events = 0, error = NULL, moved_at = now()`,
        [name, this.kind, version],
      );
    });
  }

  /**
   * Makes the readers' indexes, and has Postgres look at what was built, for it plans by what it has seen (by
   * itself it looks within a minute or two); done once, when the build is about to serve. @param helper a second
   * connection, which makes the half of them
   */
  async index(helper: Client): Promise<void> {
    const left = this.projection.indexes.split(';').filter((statement) => statement.trim() !== '');
    const work = async (client: Client): Promise<void> => {
      await client.query(`SET search_path TO "${this.schema}"`);
      for (let next = left.shift(); next !== undefined; next = left.shift()) await client.query(next);
    };
    await Promise.all([this.client, helper].map(work));
    await this.client.query(
      `DO $$ DECLARE filled regclass; BEGIN
         FOR filled IN SELECT oid FROM pg_class
           WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND pg_relation_size(oid) > 0
         LOOP EXECUTE format('ANALYZE %s', filled); END LOOP; END $$`,
    );
  }

  /** Makes names in SQL mean this build's tables. */
  async enter(): Promise<void> {
    await this.client.query(`SET search_path TO "${this.schema}"`);
  }

  /** Rows and checkpoint in one transaction: exactly once, whatever is killed when. */
  async take(batch: Batch): Promise<void> {
    if (!(await this.fold(batch))) await this.checkpoint({ ...batch, events: [] });
  }

  /**
   * The same, but for a batch that has no statement: its checkpoint is left to the caller. The transaction begins
   * with the first statement, and ends with the checkpoint, without a wait of its own for either.
   * @returns whether the checkpoint is stored
   */
  async fold(batch: Batch): Promise<boolean> {
    if (batch.events.length === 0) return false;
    let begun: Promise<unknown> | undefined;
    let over = false;
    const sql: Sql = {
      query: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
        // Statements are sent ahead of each other's answers: none may follow the end of the transaction.
        if (over) throw new Error(`${this.projection.name}: a statement behind its transaction`);
        begun ??= this.client.query(begin);
        const [, { rows }] = await Promise.all([begun, this.client.query<Row>(text, [...values])]);
        return rows;
      },
    };
    try {
      await this.projection.apply(sql, batch.events).finally(() => (over = true));
      if (begun !== undefined) await Promise.all([this.checkpoint(batch), this.client.query(commit)]);
    } catch (error) {
      if (begun !== undefined) await this.client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
    if (begun === undefined) this.uncounted += batch.events.length;
    return begun !== undefined;
  }

  /** Puts this build in the place of the one that serves, in one transaction; no read notices. */
  async serve(): Promise<void> {
    const { name } = this.projection;
    await this.transaction(async () => {
      await this.client.query(
        `DO $$ BEGIN IF to_regnamespace('${name}') IS NOT NULL THEN
           ALTER SCHEMA "${name}" RENAME TO "${name}_old"; END IF; END $$`,
      );
      await this.client.query(`ALTER SCHEMA "${this.schema}" RENAME TO "${name}"`);
      await this.client.query(`DELETE FROM runledger.projections WHERE name = $1 AND build = 'serving'`, [
        name,
      ]);
      await this.client.query(`UPDATE runledger.projections SET build = 'serving' WHERE name = $1`, [name]);
    });
    await this.dropLeftovers();
  }

  /** Throws this build away. */
  async drop(): Promise<void> {
    await this.transaction(async () => {
      await this.client.query(`DROP SCHEMA IF EXISTS "${this.schema}" CASCADE`);
      await this.client.query('DELETE FROM runledger.projections WHERE name = $1 AND build = $2', [
        this.projection.name,
        this.kind,
      ]);
    });
  }

  async dropLeftovers(): Promise<void> {
    await this.client.query(`DROP SCHEMA IF EXISTS "${this.projection.name}_old" CASCADE`);
  }

  private async checkpoint({ position, events }: Batch): Promise<void> {
    const { name } = this.projection;
    const count = this.uncounted + events.length;
    this.uncounted = 0;
    await this.client.query({
      name: 'checkpoint',
      text: `WITH moved AS (
          UPDATE runledger.projections
          SET position = $3, events = events + $4, error = NULL, moved_at = now()
          WHERE name = $1 AND build = $2 RETURNING build)
        SELECT pg_notify('${clockChannel}', $1 || ' ' || $3) FROM moved WHERE build = 'serving'`,
      values: [name, this.kind, position.toString(), count],
    });
  }

  private async transaction(work: () => Promise<void>): Promise<void> {
    await this.client.query('BEGIN');
    try {
      await work();
      await this.client.query('COMMIT');
    } catch (error) {
      await this.client.query('ROLLBACK').catch(() => undefined);
      throw error;
    }
  }
}
