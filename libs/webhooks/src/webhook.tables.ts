/** Sent on by the transaction that makes deliveries. */
export const deliveriesChannel = 'webhook_deliveries';

/**
 * What is work or secret, and so neither an event nor folded from events: what a destination is reached
 * with, what is to be sent to it, and up to which position events have become deliveries.
 */
export const webhookTables = `
  CREATE TABLE runledger.webhook_targets (
    webhook_id uuid PRIMARY KEY,
    secret text NOT NULL,
    previous_secret text,
    previous_until timestamptz,
    changed_by uuid NOT NULL,
    failing_since timestamptz,
    failures integer NOT NULL DEFAULT 0
  );

  CREATE TABLE runledger.webhook_deliveries (
    id uuid PRIMARY KEY,
    webhook_id uuid NOT NULL,
    event_id uuid NOT NULL,
    event_type text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    body text NOT NULL,
    status text COLLATE "C" NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'succeeded', 'failed')),
    tries integer NOT NULL DEFAULT 0,
    attempt_count integer NOT NULL DEFAULT 0,
    attempts jsonb NOT NULL DEFAULT '[]',
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    leased_until timestamptz,
    ended_at timestamptz
  );
  CREATE INDEX webhook_deliveries_due ON runledger.webhook_deliveries (webhook_id, next_attempt_at, position)
    WHERE status = 'pending';
  CREATE INDEX webhook_deliveries_newest ON runledger.webhook_deliveries (webhook_id, id);
  CREATE INDEX webhook_deliveries_status ON runledger.webhook_deliveries (webhook_id, status, id);
  CREATE INDEX webhook_deliveries_ended ON runledger.webhook_deliveries (status, ended_at)
    WHERE status <> 'pending';

  CREATE TABLE runledger.webhook_horizon (position bigint NOT NULL);
  INSERT INTO runledger.webhook_horizon VALUES (0);`;
