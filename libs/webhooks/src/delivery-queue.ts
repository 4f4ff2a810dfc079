import { Injectable } from '@nestjs/common';
import { Database, wellFormedJson } from '#read-models';

/** How long a claimed delivery is its sender's, in seconds: well above the time that an attempt may take. */
const leaseSeconds = 30;
/** Attempts that are kept of a delivery; the oldest go first. */
const keptAttempts = 20;
/** Rows that one statement of the sweep removes. */
const sweepBatch = 1_000;

/** A delivery to be attempted now, with all that it takes. */
export interface Claimed {
  readonly id: string;
  readonly webhook_id: string;
  readonly body: string;
  /** Attempts since it was made, or was last asked for again. */
  readonly tries: number;
  readonly project_id: string;
  readonly url: string;
  /** The newest first. */
  readonly secrets: readonly string[];
  /** The lease under which it was taken: a delivery that has another one by now, or none, was asked for again. */
  readonly leased_until: string;
}

/** One attempt, as it is shown. */
export interface Attempt {
  /** When it began, RFC 3339. */
  readonly at: string;
  readonly status_code: number | null;
  readonly duration_ms: number;
  readonly error: string | null;
  /** The first KiB of the answer's body. */
  readonly response_body: string | null;
}

/** How many deliveries may be under way. */
export interface Room {
  /** In all. */
  readonly total: number;
  /** To each destination, and to one whose last attempt failed. */
  readonly each: number;
  readonly eachFailing: number;
  /** Those under way already, by webhook. */
  readonly busy: ReadonlyMap<string, number>;
}

type Lease = Pick<Claimed, 'id' | 'leased_until'>;
type Row = Pick<Claimed, 'webhook_id' | 'body' | 'tries'> & Lease & { readonly turn: string };
type Target = Pick<Claimed, 'webhook_id' | 'project_id' | 'url' | 'secrets'>;

/** The work of the senders: rows that several processes take from, each under a lease. */
@Injectable()
export class DeliveryQueue {
  constructor(private readonly database: Database) {}

  /** Takes what is due, the oldest of each destination first; no other sender gets it while the lease lasts. */
  async claim({ total, each, eachFailing, busy }: Room): Promise<Claimed[]> {
    const rows = await this.database.prepared<Row>('webhook-claim', claimSql, [
      [...busy.keys()],
      [...busy.values()],
      each,
      eachFailing,
      total,
    ]);
    if (rows.length === 0) return [];
    const targets = await this.database.prepared<Target>('webhook-targets', targetsSql, [
      rows.map(({ webhook_id }) => webhook_id),
    ]);
    const byId = new Map(targets.map((target) => [target.webhook_id, target]));
    await this.defer(rows.filter(({ webhook_id }) => !byId.has(webhook_id)));
    return rows
      .sort((a, b) => Number(a.turn) - Number(b.turn))
      .flatMap(({ turn: _turn, ...row }) => {
        const target = byId.get(row.webhook_id);
        return target === undefined ? [] : [{ ...row, ...target }];
      });
  }

  /**
   * Records an attempt and what follows from it: success, failure, or another attempt after a while. Of a
   * delivery that was asked for again meanwhile nothing follows: it is still to be sent once more.
   */
  async settle(
    { id, leased_until }: Lease,
    attempt: Attempt,
    then: 'succeeded' | 'failed' | { retryMs: number },
  ): Promise<void> {
    const status = typeof then === 'string' ? then : 'pending';
    const retryMs = typeof then === 'string' ? 0 : then.retryMs;
    await this.database.prepared('webhook-settle', settleSql, [
      id,
      JSON.stringify([attempt]),
      attempt.error,
      status,
      retryMs,
      leased_until,
    ]);
  }

  /** The policy has not come to the creation of their webhook yet, as the deliveries of a ping may find. */
  private async defer(rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    await this.database.query(
      `UPDATE runledger.webhook_deliveries SET leased_until = now() + interval '1 second'
       WHERE id = ANY ($1::uuid[])`,
      [rows.map(({ id }) => id)],
    );
  }

  /** Gives a delivery back that was not attempted. */
  async release({ id, leased_until }: Lease): Promise<void> {
    await this.database.query(
      'UPDATE runledger.webhook_deliveries SET leased_until = NULL WHERE id = $1 AND leased_until = $2::timestamptz',
      [id, leased_until],
    );
  }

  /** Removes deliveries that succeeded over 7 days ago, or failed over 30 days ago. */
  async sweep(): Promise<void> {
    for (const [status, days] of [
      ['succeeded', 7],
      ['failed', 30],
    ] as const) {
      let removed: object[];
      do {
        removed = await this.database.query(
          `DELETE FROM runledger.webhook_deliveries WHERE id IN (
             SELECT id FROM runledger.webhook_deliveries
             WHERE status = $1 AND status <> 'pending' AND ended_at < now() - make_interval(days => $2)
             LIMIT ${sweepBatch}) RETURNING id`,
          [status, days],
        );
      } while (removed.length === sweepBatch);
    }
  }
}

/** Goes from one destination that has work to the next by the index, however much waits for each. */
const claimSql = `
  WITH RECURSIVE waiting (webhook_id) AS (
    (SELECT webhook_id FROM runledger.webhook_deliveries WHERE status = 'pending' ORDER BY webhook_id LIMIT 1)
    UNION ALL
    SELECT (SELECT d.webhook_id FROM runledger.webhook_deliveries d
            WHERE d.status = 'pending' AND d.webhook_id > w.webhook_id ORDER BY d.webhook_id LIMIT 1)
    FROM waiting w WHERE w.webhook_id IS NOT NULL
  ), due AS (
    SELECT d.id, row_number() OVER (ORDER BY d.next_attempt_at, d.position) AS turn
    FROM waiting w
    JOIN runledger.webhook_targets t ON t.webhook_id = w.webhook_id
    LEFT JOIN unnest($1::uuid[], $2::integer[]) AS busy (webhook_id, n) ON busy.webhook_id = w.webhook_id
    CROSS JOIN LATERAL (
      SELECT id, next_attempt_at, position FROM runledger.webhook_deliveries
      WHERE webhook_id = w.webhook_id AND status = 'pending' AND next_attempt_at <= now()
        AND (leased_until IS NULL OR leased_until < now())
      ORDER BY next_attempt_at, position
      LIMIT greatest(0, CASE WHEN t.failing_since IS NULL THEN $3::integer ELSE $4::integer END - coalesce(busy.n, 0))
      FOR UPDATE SKIP LOCKED
    ) d
    ORDER BY turn LIMIT $5::integer
  )
  UPDATE runledger.webhook_deliveries d SET leased_until = now() + interval '${leaseSeconds} seconds'
  FROM due WHERE d.id = due.id
  RETURNING d.id, d.webhook_id, d.body, d.tries, d.leased_until::text, due.turn`;

const targetsSql = `
  SELECT w.id AS webhook_id, w.project_id, ${wellFormedJson('w.doc')}->>'url' AS url,
    array_remove(ARRAY[t.secret, CASE WHEN t.previous_until > now() THEN t.previous_secret END], NULL) AS secrets
  FROM webhooks.webhooks w JOIN runledger.webhook_targets t ON t.webhook_id = w.id
  WHERE w.id = ANY ($1::uuid[])`;

/** A delivery that was ended while it was attempted stays ended, unless it got through. */
const settleSql = `
  UPDATE runledger.webhook_deliveries SET
    attempts = CASE WHEN jsonb_array_length(attempts) >= ${keptAttempts} THEN attempts - 0 ELSE attempts END || $2::jsonb,
    attempt_count = attempt_count + 1,
    tries = tries + held::integer,
    error = CASE WHEN held THEN $3 ELSE error END,
    leased_until = CASE WHEN held THEN NULL ELSE leased_until END,
    status = CASE WHEN held AND (status = 'pending' OR $4 = 'succeeded') THEN $4 ELSE status END,
    next_attempt_at = CASE WHEN held THEN now() + make_interval(secs => $5::float8 / 1000) ELSE next_attempt_at END,
    ended_at = CASE WHEN held AND $4 <> 'pending' THEN now() ELSE ended_at END
  FROM (SELECT id AS leased, leased_until IS NOT DISTINCT FROM $6::timestamptz AS held
        FROM runledger.webhook_deliveries WHERE id = $1 FOR UPDATE) lease
  WHERE id = leased`;
