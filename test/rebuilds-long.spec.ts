import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { Api, type Body } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { childrenOf, until } from './support/supervised-service.js';

const kills = Number(process.env['KILL_ROUNDS'] ?? 1);
/** More than a server folds by itself. */
const events = 2_100;
const atOnce = 100;

let database: Database;
let dataDir: string;
let server: Server;
let admin: Api;
let sql: Client;
/** Holds up who builds. */
let holder: Client;

beforeAll(async () => {
  database = await serverDatabase();
  dataDir = mkdtempSync(join(tmpdir(), 'runledger-rebuilds-'));
  await start();
  sql = new Client({ connectionString: database.url });
  holder = new Client({ connectionString: database.url });
  await Promise.all([sql.connect(), holder.connect()]);
  const { id } = await admin.made('/runs', {});
  const said = Array.from({ length: atOnce }, (_, n) => ({ type: 'user', data: { text: `said ${n}` } }));
  for (let n = 0; n < events; n += atOnce) await admin.post(`/runs/${id}/events`, { events: said });
});
afterAll(async () => {
  await Promise.all([sql.end(), holder.end()]);
  await server.stop();
  await database.drop();
  rmSync(dataDir, { recursive: true });
});

/** Again on the same data. */
async function start(): Promise<void> {
  server = await startServer({ DATABASE_URL: database.url, DATA_DIR: dataDir });
  admin = new Api(server.url, server.key);
}

const path = (name: string, id = '') => `/projections/${name}/rebuilds${id && `/${id}`}`;

async function ended(name: string, { id }: Body): Promise<Body> {
  let body: Body = {};
  await until(async () => {
    ({ body } = await admin.get(path(name, String(id))));
    return body['ended_at'] !== null;
  });
  return body;
}

/** The processes that build read models of this server. */
const builders = (): number[] =>
  childrenOf(server.pid).filter((pid) => commandOf(pid).includes('build-process'));

const commandOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};

/** Connections of a projector: of this server, for others have theirs to databases of their own. */
const ours = 'application_name = $1 AND datname = current_database()';
/** Holds up everything that writes to the register of the projections. */
const register = 'LOCK TABLE runledger.projections IN SHARE MODE';
/** Holds up who builds this read model, and nobody else. */
const lockOf = (name: string): string =>
  `SELECT pg_advisory_xact_lock(1380733002, hashtext('${name} build'))`;

/** Asks for a rebuild, and has it stand still in its own process until `release`. */
async function halfWay(
  name: string,
  hold = register,
): Promise<{ rebuild: Body; builder: number; release: () => Promise<unknown> }> {
  await holder.query('BEGIN');
  await holder.query(hold);
  const { body } = await admin.post(path(name));
  // The one that serves may wait for the register too, with another statement.
  await until(async () => {
    const { rows } = await sql.query(
      `SELECT 1 FROM pg_stat_activity WHERE ${ours} AND wait_event_type = 'Lock'
         AND (query LIKE '%INSERT INTO runledger.projections%' OR query LIKE '%pg_advisory_lock%')`,
      [`runledger projector ${name}`],
    );
    return rows.length > 0;
  });
  const [builder] = builders();
  return { rebuild: body, builder: Number(builder), release: () => holder.query('COMMIT') };
}

const leftovers = async () =>
  (await sql.query<{ nspname: string }>(`SELECT nspname FROM pg_namespace WHERE nspname LIKE '%\\_next'`))
    .rows;

describe('a rebuild of a long history', () => {
  const withTables = ['timeline', 'interaction_policy', 'budget_policy', 'webhooks'];
  it.each(withTables)('is folded by a process of its own, of lower priority, the same: %s', async (name) => {
    const { rebuild, builder, release } = await halfWay(name);
    const { rows } = await sql.query<{ pid: number }>(`SELECT pid FROM pg_stat_activity WHERE ${ours}`, [
      `runledger projector ${name}`,
    ]);
    const served = rows.map(({ pid }) => getPriority(pid));
    const folded = getPriority(builder);
    await release();
    expect(folded).toBe(10);
    expect(served.toSorted()).toEqual([0, 0, 10]);
    expect(await ended(name, rebuild)).toMatchObject({ status: 'succeeded' });
    const { body } = await admin.post(path(name), { mode: 'verify' });
    expect(await ended(name, body)).toMatchObject({ result: { identical: true } });
  });

  it('of several read models is one reading of one process', async () => {
    const names = ['runs', 'timeline', 'sessions'];
    const asked = await Promise.all(names.map((name) => admin.post(path(name))));
    await until(() => builders().length > 0);
    expect(builders()).toHaveLength(1);
    for (const [n, { body }] of asked.entries()) {
      expect(await ended(String(names[n]), body)).toMatchObject({ status: 'succeeded' });
    }
  });

  it('that is abandoned leaves nothing behind, and the next one can be asked for', async () => {
    const { rebuild, release } = await halfWay('runs');
    const abandoned = await admin.delete(path('runs', String(rebuild['id'])));
    expect(abandoned.status).toBe(200);
    await release();
    await until(async () => (await leftovers()).length === 0);
    const { body } = await admin.post(path('runs'), { mode: 'verify' });
    expect(await ended('runs', body)).toMatchObject({ status: 'succeeded', result: { identical: true } });
  });

  it.each(Array.from({ length: kills }, (_, n) => n))(
    'goes on when the process that folds it is killed: kill -9 number %i',
    async () => {
      const { rebuild, builder, release } = await halfWay('runs');
      process.kill(builder, 'SIGKILL');
      await release();
      expect(await ended('runs', rebuild)).toMatchObject({ status: 'succeeded' });
      expect(await leftovers()).toEqual([]);
    },
  );

  it('ends with its server, and is carried out by the next one', async () => {
    const { rebuild, builder, release } = await halfWay('timeline');
    await server.kill();
    await until(() => commandOf(builder) === '');
    await release();
    await start();
    expect(await ended('timeline', rebuild)).toMatchObject({ status: 'succeeded' });
  });

  it('keeps no server from stopping', async () => {
    const { rebuild, builder, release } = await halfWay('timeline', lockOf('timeline'));
    expect(await server.stop()).toBe(0);
    expect(commandOf(builder)).toBe('');
    await release();
    await start();
    expect(await ended('timeline', rebuild)).toMatchObject({ status: 'succeeded' });
  });

  it('is how a read model of another version is built at the start', async () => {
    await server.stop();
    await sql.query(`UPDATE runledger.projections SET version = version - 1 WHERE name = 'timeline'`);
    await start();
    expect(builders()).toHaveLength(1);
    const { body } = await admin.post(path('timeline'), { mode: 'verify' });
    expect(await ended('timeline', body)).toMatchObject({ result: { identical: true } });
  });
});
