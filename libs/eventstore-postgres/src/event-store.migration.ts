import type { MigrationInterface, QueryRunner } from 'typeorm';
import { appendFunction } from './append-function.js';

const up = `
CREATE SCHEMA eventstore;

CREATE TABLE eventstore.events (
  position bigint NOT NULL,
  revision bigint NOT NULL,
  id uuid NOT NULL,
  stream text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  metadata json NOT NULL,
  data json NOT NULL,
  CONSTRAINT events_pkey PRIMARY KEY (position),
  CONSTRAINT events_stream_revision_key UNIQUE (stream, revision)
);
CREATE INDEX events_id_idx ON eventstore.events (id);
ALTER TABLE eventstore.events SET (autovacuum_vacuum_insert_scale_factor = 0.4);

-- What a stream remembers when all its events are gone.
CREATE TABLE eventstore.truncated (
  stream text COLLATE "C" PRIMARY KEY,
  last_revision bigint NOT NULL
);

CREATE SEQUENCE eventstore.position MINVALUE 0 START 0;

${appendFunction}`;

/** The tables and the append function of the Postgres event store. */
export class EventStore1760000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(up);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP SCHEMA eventstore CASCADE');
  }
}

/** Puts today's append function in the place of an earlier one. */
export class AppendFunction1760000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`DROP FUNCTION eventstore.append; ${appendFunction}`);
  }

  /** Whatever version runs brings its own function. */
  async down(): Promise<void> {
    // The tables are the same.
  }
}

/** Gives data that are hardly compressible a column of their own, where Postgres does not try to. */
export class BulkData1760000000060 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      ALTER TABLE eventstore.events ADD COLUMN bulk json, ALTER COLUMN data DROP NOT NULL;
      ALTER TABLE eventstore.events ALTER COLUMN bulk SET STORAGE EXTERNAL`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      UPDATE eventstore.events SET data = bulk WHERE data IS NULL;
      ALTER TABLE eventstore.events ALTER COLUMN data SET NOT NULL, DROP COLUMN bulk`);
  }
}

export class AppendFunction1760000000070 extends AppendFunction1760000000003 {}

export class AppendFunction1760000000080 extends AppendFunction1760000000003 {}
