import type { MigrationInterface, QueryRunner } from 'typeorm';
import { snapshotTable } from '#postgres';

/** The table of the streams' snapshots. */
export class Snapshots1760000000100 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(snapshotTable);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE runledger.snapshots');
  }
}
