import type { Fact, RecordedEvent } from '#eventsourcing';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import { type LegalHold, legalHoldDecider } from './legal-hold.decider.js';
import { type LegalHoldFact, legalHoldStreams } from './legal-hold.events.js';
import { type RetentionPolicyFact, retentionStreams } from './retention.events.js';
import { foldSweep, type SweepState } from './sweep.decider.js';
import { type SweepFact, sweepStreams } from './sweep.events.js';

/** Policies, holds and sweeps: few, so that their events are folded one by one. */
export class RetentionProjection extends Projection {
  readonly name = 'retention';
  readonly version = 1;
  readonly prefixes = [retentionStreams, legalHoldStreams, sweepStreams];

  readonly tables = `
    CREATE TABLE policies (
      scope text COLLATE "C" NOT NULL,
      kind text COLLATE "C" NOT NULL,
      project_id text COLLATE "C",
      limits json NOT NULL,
      PRIMARY KEY (scope, kind)
    );
    CREATE TABLE holds (
      id uuid PRIMARY KEY,
      project_id text COLLATE "C" NOT NULL,
      released boolean NOT NULL,
      doc json NOT NULL
    );
    CREATE TABLE sweeps (
      id uuid PRIMARY KEY,
      project_id text COLLATE "C" NOT NULL,
      running boolean NOT NULL,
      doc json NOT NULL
    );`;

  readonly indexes = `
    CREATE INDEX policies_project ON policies (project_id);
    CREATE INDEX holds_project ON holds (project_id, id);
    CREATE INDEX sweeps_project ON sweeps (project_id, id);
    CREATE INDEX sweeps_running ON sweeps (id) WHERE running;`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) {
      if (event.stream.startsWith(retentionStreams)) await this.policy(sql, event);
      else if (event.stream.startsWith(legalHoldStreams)) await this.hold(sql, event);
      else await this.sweep(sql, event);
    }
  }

  private async policy(sql: Sql, event: RecordedEvent): Promise<void> {
    const fact = event as Fact as RetentionPolicyFact;
    const scope = event.stream.slice(retentionStreams.length);
    const { kind, project_id, ...limits } = { project_id: null, ...fact.data };
    if (fact.type === 'RetentionPolicyRemoved') {
      await sql.query('DELETE FROM policies WHERE scope = $1 AND kind = $2', [scope, kind]);
      return;
    }
    await sql.query(
      `INSERT INTO policies VALUES ($1, $2, $3, $4)
       ON CONFLICT (scope, kind) DO UPDATE SET limits = excluded.limits`,
      [scope, kind, project_id, JSON.stringify(limits)],
    );
  }

  private async hold(sql: Sql, event: RecordedEvent): Promise<void> {
    const fact = event as Fact as LegalHoldFact;
    const { hold_id } = fact.data;
    if (fact.type === 'LegalHoldPlaced') {
      const hold = legalHoldDecider.evolve(new Map(), fact, event).get(hold_id);
      await sql.query('INSERT INTO holds VALUES ($1, $2, false, $3)', [
        hold_id,
        fact.data.project_id,
        JSON.stringify(hold),
      ]);
      return;
    }
    const { at, actor } = event.metadata;
    const [row] = await sql.query<{ doc: LegalHold }>('SELECT doc FROM holds WHERE id = $1', [hold_id]);
    const release_reason = fact.data.reason ?? null;
    const released = { ...row?.doc, released_at: at, released_by: actor, release_reason };
    await sql.query('UPDATE holds SET released = true, doc = $2 WHERE id = $1', [
      hold_id,
      JSON.stringify(released),
    ]);
  }

  private async sweep(sql: Sql, event: RecordedEvent): Promise<void> {
    const fact = event as Fact as SweepFact;
    const id = fact.data.operation_id;
    const [row] = await sql.query<{ doc: SweepState }>('SELECT doc FROM sweeps WHERE id = $1', [id]);
    const sweep = foldSweep(row?.doc, fact, event.metadata);
    if (sweep === undefined) return;
    await sql.query(
      `INSERT INTO sweeps VALUES ($1, $2, $3, $4)
       ON CONFLICT (id) DO UPDATE SET running = excluded.running, doc = excluded.doc`,
      [id, sweep.project_id, sweep.status === 'running', JSON.stringify(sweep)],
    );
  }
}
