import type { MigrationInterface, QueryRunner } from 'typeorm';
import { auditTables } from '#audit';

/** The tables of the audit. */
export class Audit1760000000050 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(auditTables);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA audit CASCADE');
  }
}
