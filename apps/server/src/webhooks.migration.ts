import type { MigrationInterface, QueryRunner } from 'typeorm';
import { webhookTables } from '#webhooks';

/** The tables of the senders of webhooks. */
export class Webhooks1760000000040 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(webhookTables);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(
      'DROP TABLE runledger.webhook_targets, runledger.webhook_deliveries, runledger.webhook_horizon',
    );
  }
}
