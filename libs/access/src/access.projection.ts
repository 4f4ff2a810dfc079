import type { RecordedEvent } from '#eventsourcing';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import { apiKeyStreams, type ApiKeyCreated, type ApiKeyRevoked } from './api-key.events.js';
import { defaultProject, projectStreams, type ProjectCreated } from './project.events.js';

export const accessProjection = 'access';

/**
 * Keys and projects, a row each; times are text, shown as they came. Projects are numbered as they were made:
 * positions would be others after an import. The project `default` has no event.
 */
export class AccessProjection extends Projection {
  readonly name = accessProjection;
  readonly version = 2;
  readonly prefixes = [apiKeyStreams, projectStreams];

  readonly tables = `
    CREATE TABLE projects (
      id text COLLATE "C" PRIMARY KEY,
      name text NOT NULL,
      made_by text COLLATE "C" NOT NULL,
      created_at text COLLATE "C" NOT NULL,
      number bigint NOT NULL
    );
    INSERT INTO projects VALUES ('${defaultProject}', 'Default', '${defaultProject}', '1970-01-01T00:00:00.000Z', 0);
    CREATE TABLE api_keys (
      id uuid PRIMARY KEY,
      name text NOT NULL,
      project_id text COLLATE "C" NOT NULL,
      role text COLLATE "C" NOT NULL,
      user_id uuid NOT NULL,
      prefix text COLLATE "C" NOT NULL,
      hash text COLLATE "C" NOT NULL,
      created_by text COLLATE "C" NOT NULL,
      created_at text COLLATE "C" NOT NULL,
      expires_at text COLLATE "C",
      revoked_at text COLLATE "C",
      CONSTRAINT api_keys_hash_key UNIQUE (hash)
    );`;

  readonly indexes = `
    CREATE INDEX api_keys_project ON api_keys (project_id, id);
    CREATE UNIQUE INDEX projects_newest ON projects (number);`;

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    await this.projects(sql, ofType<ProjectCreated>(events, 'ProjectCreated'));
    await this.keys(sql, ofType<ApiKeyCreated>(events, 'ApiKeyCreated'));
    await this.revocations(sql, ofType<ApiKeyRevoked>(events, 'ApiKeyRevoked'));
  }

  private async projects(sql: Sql, created: readonly RecordedEvent<ProjectCreated>[]): Promise<void> {
    if (created.length === 0) return;
    await sql.query(
      `INSERT INTO projects
       SELECT id, name, made_by, created_at, (SELECT max(number) FROM projects) + n
       FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
         AS created(id, name, made_by, created_at, n)`,
      [
        created.map(({ data }) => data.project_id),
        created.map(({ data }) => data.name),
        created.map(({ metadata }) => metadata.project),
        created.map(({ metadata }) => metadata.at),
      ],
    );
  }

  private async keys(sql: Sql, created: readonly RecordedEvent<ApiKeyCreated>[]): Promise<void> {
    if (created.length === 0) return;
    await sql.query(
      `INSERT INTO api_keys SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[],
         $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])`,
      [
        created.map(({ data }) => data.api_key_id),
        created.map(({ data }) => data.name),
        created.map(({ data }) => data.project_id),
        created.map(({ data }) => data.role),
        created.map(({ data }) => data.user_id),
        created.map(({ data }) => data.prefix),
        created.map(({ data }) => data.hash),
        created.map(({ metadata }) => metadata.actor),
        created.map(({ metadata }) => metadata.at),
        created.map(({ data }) => data.expires_at ?? null),
      ],
    );
  }

  private async revocations(sql: Sql, revoked: readonly RecordedEvent<ApiKeyRevoked>[]): Promise<void> {
    if (revoked.length === 0) return;
    await sql.query(
      `UPDATE api_keys SET revoked_at = r.at FROM unnest($1::uuid[], $2::text[]) AS r(id, at)
       WHERE api_keys.id = r.id`,
      [revoked.map(({ data }) => data.api_key_id), revoked.map(({ metadata }) => metadata.at)],
    );
  }
}

const ofType = <F extends ApiKeyCreated | ApiKeyRevoked | ProjectCreated>(
  events: readonly RecordedEvent[],
  type: F['type'],
): RecordedEvent<F>[] => events.filter((event): event is RecordedEvent<F> => event.type === type);
