import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The register of projections: which version serves, which is being built, and how far each has come. */
export class ReadModels1760000000001 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      CREATE SCHEMA runledger;
      CREATE TABLE runledger.projections (
        name text NOT NULL,
        build text NOT NULL CHECK (build IN ('serving', 'building')),
        version integer NOT NULL,
        position bigint NOT NULL DEFAULT 0,
        events bigint NOT NULL DEFAULT 0,
        error text,
        moved_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (name, build)
      );`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA runledger CASCADE');
  }
}
