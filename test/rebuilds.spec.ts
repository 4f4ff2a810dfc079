import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { Api, type Body, dataOf, newProject } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

const kills = Number(process.env['KILL_ROUNDS'] ?? 2);

let database: Database;
let server: Server;
let admin: Api;
let sql: Client;

beforeAll(async () => {
  database = await serverDatabase();
  server = await startServer({ DATABASE_URL: database.url });
  admin = new Api(server.url, server.key);
  sql = new Client({ connectionString: database.url });
  await sql.connect();
  const session = await admin.made('/sessions', { title: 'rebuilt', tags: ['a', 'b'] });
  for (let n = 0; n < 20; n++) {
    const run = await admin.made('/runs', {
      session_id: session.id,
      metadata: { n },
      on_active_run: 'allow',
    });
    await admin.post(`/runs/${run.id}/logs`, { entries: [{ message: `line ${String(n)}` }] });
    if (n % 2 === 0) await admin.patch(`/runs/${run.id}`, { status: 'completed', output: { n } });
  }
});
afterAll(async () => {
  await sql.end();
  await server.stop();
  await database.drop();
});

const path = (name: string, id = '') => `/projections/${name}/rebuilds${id && `/${id}`}`;

/** Asks for it and waits for its end. */
async function done(name: string, mode: 'rebuild' | 'verify'): Promise<Body> {
  const { status, body } = await admin.post(path(name), { mode });
  expect([status, body['kind'], body['status']]).toEqual([202, `projection_${mode}`, 'running']);
  return ended(name, String(body['id']));
}

async function ended(name: string, id: string): Promise<Body> {
  let body: Body = {};
  await until(async () => {
    ({ body } = await admin.get(path(name, id)));
    return body['ended_at'] !== null;
  });
  return body;
}

const readModels = async () =>
  dataOf(await admin.get('/projections'))
    .map(({ name }) => String(name))
    .filter((name) => !name.endsWith('_policy'));

describe('a rebuild', () => {
  it('builds every read model anew, identical to what served', async () => {
    for (const name of await readModels()) {
      expect(await done(name, 'rebuild')).toMatchObject({ projection: name, status: 'succeeded' });
      expect(await done(name, 'verify')).toMatchObject({ status: 'succeeded', result: { identical: true } });
    }
  });

  it('fails no read and loses no write while it runs', async () => {
    const over = new AbortController();
    const seen: number[] = [];
    const reader = (async () => {
      while (!over.signal.aborted) {
        seen.push(dataOf(await admin.get('/runs?limit=100')).length);
      }
    })();
    const writer = (async () => {
      while (!over.signal.aborted) await admin.made('/runs', {});
    })();
    for (let n = 0; n < 3; n++) expect(await done('runs', 'rebuild')).toMatchObject({ status: 'succeeded' });
    over.abort();
    await Promise.all([reader, writer]);
    expect(seen.every((count, n) => count >= (seen[n - 1] ?? 0))).toBe(true);
    expect(await done('runs', 'verify')).toMatchObject({ result: { identical: true } });
  });

  it('is told of as an operation', async () => {
    const { body, headers } = await admin.post(path('access'));
    expect(headers.get('location')).toBe(`/v1/operations/${String(body['id'])}`);
    const rebuild = await ended('access', String(body['id']));
    const operation = await admin.get(`/operations/${String(body['id'])}`);
    expect(operation.body).toEqual(rebuild);
    const etag = (await admin.get(path('access', String(body['id'])))).headers.get('etag');
    expect([etag, operation.headers.get('etag')]).toEqual([expect.any(String), etag]);
  });

  it('goes on following what comes after it', async () => {
    await done('runs', 'rebuild');
    const run = await admin.made('/runs', { source: 'after the rebuild' });
    expect(await admin.ids('/runs?source=after%20the%20rebuild')).toEqual([run.id]);
  });

  it('is waited for where rows of an older version lack what is asked of them', async () => {
    await sql.query("UPDATE sessions.sessions SET figures = (figures::jsonb - 'active_schedules')::json");
    const [session] = (await sql.query<{ id: string }>('SELECT id FROM sessions.sessions')).rows;
    const reads = ['/sessions', `/sessions/${String(session?.id)}`];
    const newcomer = new Api(server.url, admin.key);
    for (const read of reads) {
      expect(await newcomer.get(read)).toMatchObject({ status: 503, body: { code: 'projection_lagging' } });
    }
    await done('sessions', 'rebuild');
    for (const read of reads) expect((await admin.get(read)).status).toBe(200);
  });
});

describe('a comparison', () => {
  it('finds a row that was changed, one that was added, and one that was taken away; a rebuild mends it', async () => {
    const runs = Array.from({ length: 3 }, () => admin.made('/runs', {}));
    const [changed, removed] = (await Promise.all(runs)).map(({ id }) => id);
    await admin.get('/runs');
    await sql.query(`UPDATE runs.runs SET source = 'planted' WHERE id = $1`, [changed]);
    await sql.query('DELETE FROM runs.runs WHERE id = $1', [removed]);
    await sql.query(`INSERT INTO runs.metadata VALUES (gen_random_uuid(), 'default', 'planted', 'row')`);
    const verified = await done('runs', 'verify');
    expect(verified).toMatchObject({
      result: {
        identical: false,
        tables: [
          { table: 'metadata', differences: 1 },
          { table: 'runs', differences: 3, examples: [changed, removed].sort() },
        ],
      },
    });
    await done('runs', 'rebuild');
    expect(await done('runs', 'verify')).toMatchObject({ result: { identical: true } });
  });
});

describe('a rebuild that is not wanted any more', () => {
  it('is abandoned: what serves goes on serving, and the next one can be asked for', async () => {
    // Nobody can cut over while a reader holds the register.
    await sql.query('BEGIN');
    await sql.query(`LOCK TABLE runledger.projections IN SHARE MODE`);
    const { body } = await admin.post(path('sessions'));
    const again = await admin.post(path('sessions'));
    expect([again.status, again.body['code'], again.body['rebuild_id']]).toEqual([
      409,
      'already_running',
      body['id'],
    ]);
    const rebuild = path('sessions', String(body['id']));
    expect((await admin.delete(rebuild, { 'if-match': '"99999"' })).status).toBe(412);
    const etag = String((await admin.get(rebuild)).headers.get('etag'));
    const abandoned = await admin.delete(rebuild, { 'if-match': etag });
    expect([abandoned.status, abandoned.body]).toMatchObject([200, { status: 'failed', error: 'abandoned' }]);
    await sql.query('COMMIT');
    await until(async () => {
      const { rows } = await sql.query(`SELECT 1 FROM pg_namespace WHERE nspname = 'sessions_next'`);
      return rows.length === 0;
    });
    expect((await admin.get('/sessions')).status).toBe(200);
    expect(await done('sessions', 'verify')).toMatchObject({ result: { identical: true } });
    const all = dataOf(await admin.get(path('sessions')));
    expect(all.map(({ error }) => error)).toContain('abandoned');
  });
});

describe('a rebuild whose server was killed is carried out by the next one', () => {
  /** Killed before it can begin: nobody can make new tables while a reader holds the register. */
  const beforeItBegins = async (name: string): Promise<Body> => {
    await sql.query('BEGIN');
    await sql.query(`LOCK TABLE runledger.projections IN SHARE MODE`);
    const { body } = await admin.post(path(name));
    await server.kill();
    await sql.query('COMMIT');
    return body;
  };
  const onceItHasTables = async (name: string): Promise<Body> => {
    const { body } = await admin.post(path(name));
    await until(async () => {
      const { rows } = await sql.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [`${name}_next`]);
      return rows.length > 0 || (await admin.get(path(name, String(body['id'])))).body['ended_at'] !== null;
    });
    await server.kill();
    return body;
  };

  it.each(Array.from({ length: kills }, (_, n) => n))('kill -9 number %i', async (n) => {
    const names = await readModels();
    const name = names[n % names.length] ?? 'logs';
    const { id } = await (n % 2 === 0 ? beforeItBegins(name) : onceItHasTables(name));
    server = await startServer({ DATABASE_URL: database.url, BOOTSTRAP_API_KEY: admin.key });
    admin = new Api(server.url, server.key);
    expect(await ended(name, String(id))).toMatchObject({ status: 'succeeded' });
    expect(await done(name, 'verify')).toMatchObject({ result: { identical: true } });
  });
});

describe('what is refused', () => {
  it.each([
    ['an unknown projection', 'nothing', {}, 404, 'not_found'],
    ['a policy', 'run_policy', {}, 409, 'not_rebuildable'],
    ['an unknown mode', 'runs', { mode: 'guess' }, 400, 'validation_failed'],
    ['an unknown field', 'runs', { force: true }, 400, 'validation_failed'],
  ])('%s', async (_, name, body, status, code) => {
    const reply = await admin.post(path(name), body);
    expect([reply.status, reply.body['code']]).toEqual([status, code]);
  });

  it('an unknown rebuild', async () => {
    const unknown = path('runs', '019b7c9a-2f5e-7000-8000-000000000001');
    expect((await admin.get(unknown)).status).toBe(404);
    expect((await admin.delete(unknown)).status).toBe(404);
  });

  it('whoever is no operator', async () => {
    const project = await newProject(server);
    for (const role of ['viewer', 'user', 'worker', 'auditor'] as const) {
      const caller = await project.caller(role);
      expect((await caller.post(path('runs'))).status).toBe(403);
      expect((await caller.get(path('runs'))).status).toBe(role === 'auditor' ? 200 : 403);
    }
  });
});
