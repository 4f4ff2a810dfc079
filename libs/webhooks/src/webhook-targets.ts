import { Injectable } from '@nestjs/common';
import { Database } from '#read-models';

/** How long a secret still signs beside the one that took its place. */
const overlap = '24 hours';

/** Keeps what no event may hold: the secrets that deliveries are signed with. */
@Injectable()
export class WebhookTargets {
  constructor(private readonly database: Database) {}

  /**
   * Gives a webhook its secret, or a new one in place of it; the old one signs too for a day.
   * @param command id of the command: the same one again changes nothing
   * @returns the secret that the command has given it, now or before
   */
  async setSecret(webhook: string, secret: string, command: string): Promise<string> {
    await this.database.query(
      `INSERT INTO runledger.webhook_targets AS t (webhook_id, secret, changed_by) VALUES ($1, $2, $3)
       ON CONFLICT (webhook_id) DO UPDATE SET secret = excluded.secret, previous_secret = t.secret,
         previous_until = now() + interval '${overlap}', changed_by = excluded.changed_by
       WHERE t.changed_by <> excluded.changed_by`,
      [webhook, secret, command],
    );
    const [row] = await this.database.query<{ secret: string }>(
      'SELECT secret FROM runledger.webhook_targets WHERE webhook_id = $1 AND changed_by = $2',
      [webhook, command],
    );
    return row?.secret ?? secret;
  }

  /** Notes that an attempt got through. */
  async answered(webhook: string): Promise<void> {
    await this.database.query(
      'UPDATE runledger.webhook_targets SET failing_since = NULL, failures = 0 WHERE webhook_id = $1',
      [webhook],
    );
  }

  /** Notes that an attempt failed. @returns since how many days, and how often, nothing else has happened */
  async failed(webhook: string): Promise<{ days: number; failures: number }> {
    const [row] = await this.database.query<{ days: number; failures: number }>(
      `UPDATE runledger.webhook_targets
       SET failing_since = coalesce(failing_since, now()), failures = failures + 1 WHERE webhook_id = $1
       RETURNING extract(epoch FROM now() - failing_since)::float8 / 86400 AS days, failures`,
      [webhook],
    );
    return row ?? { days: 0, failures: 0 };
  }
}
