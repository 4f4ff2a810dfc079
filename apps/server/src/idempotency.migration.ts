import type { MigrationInterface, QueryRunner } from 'typeorm';
import { idempotencyTable } from '#http';

/** The table of remembered Idempotency-Keys. */
export class Idempotency1760000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(idempotencyTable);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE idempotency_keys; DROP SEQUENCE idempotency_instances');
  }
}
