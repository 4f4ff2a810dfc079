import type { MigrationInterface, QueryRunner } from 'typeorm';
import { watcherTable } from '#timeline';

/** The table of those who are attached to sessions. */
export class Watchers1760000000050 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(watcherTable);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE runledger.session_watchers');
  }
}
