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

/** Keeps with each row of leaves the tree in front of it, so that nothing has to begin with the first event. */
export class LeavesPeaks1760000000090 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE audit.leaves ADD COLUMN peaks bytea');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('ALTER TABLE audit.leaves DROP COLUMN peaks');
  }
}
