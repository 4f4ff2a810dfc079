import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { Database } from './support/database.js';
import { eventsInPostgres, type Server, serverDatabase, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

const trials = Number(process.env['CRASH_TRIALS'] ?? 5);
/** Advisory lock that keeps answers from being remembered, and so from leaving, while a test holds it. */
const gate = 20_260_101;

interface Request {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly replayed: boolean;
  readonly body: Readonly<Record<string, unknown>>;
}

describe('a request with an Idempotency-Key whose server is killed', () => {
  let database: Database;
  let postgres: pg.Client;
  let server: Server;
  let run: string;
  let session: string;
  const dataDir = mkdtempSync(join(tmpdir(), 'runledger-crash-'));

  const start = async (): Promise<void> => {
    server = await startServer({
      ...eventsInPostgres,
      DATA_DIR: dataDir,
      DATABASE_URL: database.url,
      BOOTSTRAP_API_KEY: 'rl_key-of-the-crash-test',
    });
  };

  beforeAll(async () => {
    database = await serverDatabase();
    postgres = new pg.Client({ connectionString: database.url });
    await postgres.connect();
    await start();
    run = String((await send(creation('/v1/runs', {}))).body['id']);
    session = String((await send(creation('/v1/sessions', {}))).body['id']);
    await send(creation(`/v1/sessions/${session}/transcript`, { segments: [{ content: 'shared' }] }));
    const { rows } = await postgres.query<{ schema: string }>(
      `SELECT schemaname AS schema FROM pg_tables WHERE tablename = 'idempotency_keys'`,
    );
    await postgres.query(`
      CREATE FUNCTION public.pass_gate() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN PERFORM pg_advisory_xact_lock_shared(${gate}); RETURN NEW; END';
      CREATE TRIGGER gate BEFORE UPDATE ON ${rows[0]?.schema ?? 'public'}.idempotency_keys
        FOR EACH ROW EXECUTE FUNCTION public.pass_gate();`);
  });

  afterAll(async () => {
    await server.stop();
    await postgres.end();
    await database.drop();
    rmSync(dataDir, { recursive: true });
  });

  const creation = (path: string, body: object): Request => ({
    path,
    headers: { 'idempotency-key': randomUUID() },
    body: JSON.stringify(body),
  });

  const send = async ({ path, headers, body }: Request): Promise<Answer> => {
    const response = await fetch(`${server.url}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.key}`, 'content-type': 'application/json', ...headers },
      body,
    });
    return {
      status: response.status,
      replayed: response.headers.has('idempotent-replayed'),
      body: (await response.json()) as Answer['body'],
    };
  };

  /** One of each kind that a POST can create, each to be told by its mark among all that are stored. */
  const oneOfEach = (): { readonly mark: string; readonly request: Request }[] => {
    const marked = (make: (mark: string) => [string, object]) => {
      const mark = randomUUID();
      return { mark, request: creation(...make(mark)) };
    };
    return [
      marked((mark) => ['/v1/runs', { source: mark }]),
      marked((mark) => ['/v1/sessions', { title: mark }]),
      marked((mark) => ['/v1/sessions', { external_id: mark, title: mark, alias: `alias-${mark}` }]),
      marked((mark) => [`/v1/sessions/${session}/fork`, { title: mark }]),
      marked((mark) => [`/v1/runs/${run}/logs`, { entries: [{ message: mark }, { message: 'more' }] }]),
    ];
  };

  /** How many events that create something, of those in the store, bear the mark. */
  const stored = async (mark: string): Promise<number> => {
    const { rows } = await postgres.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM eventstore.events
       WHERE type IN ('RunCreated', 'SessionCreated', 'LogAppended') AND position($1 IN data::text) > 0`,
      [mark],
    );
    return rows[0]?.count ?? 0;
  };

  test(
    `after the append and before the answer, ${trials} times: the same request is answered 2xx, with the one that was made`,
    async () => {
      for (let trial = 0; trial < trials; trial++) {
        const requests = [...oneOfEach(), ...oneOfEach()];
        await postgres.query('SELECT pg_advisory_lock($1)', [gate]);
        const unanswered = requests.map(({ request }) => send(request).catch(() => 'no answer'));
        await until(async () => (await waitingAtGate()).length === requests.length);
        await server.kill();
        expect(await Promise.all(unanswered)).toEqual(requests.map(() => 'no answer'));
        // Postgres would carry out what the dead server had asked it for.
        const left = await waitingAtGate();
        await postgres.query('SELECT pg_terminate_backend(pid) FROM unnest($1::int[]) AS pid', [left]);
        await until(async () => (await waitingAtGate()).length === 0);
        await postgres.query('SELECT pg_advisory_unlock($1)', [gate]);
        for (const { mark } of requests) expect([mark, await stored(mark)]).toEqual([mark, 1]);

        await start();
        for (const { mark, request } of requests) await expectOne(mark, request);
      }
    },
    300_000 + trials * 30_000,
  );

  test(
    `at any moment, ${trials} times: the same request is answered 2xx, and exactly one exists`,
    async () => {
      for (let trial = 0; trial < trials; trial++) {
        const requests = Array.from({ length: 10 }, oneOfEach).flat();
        let outcomes: Promise<void>[] = [];
        let answersLeft = 1 + Math.floor(Math.random() * requests.length);
        const moment = new Promise<void>((resolve) => {
          outcomes = requests.map(async ({ request }) => {
            await send(request).catch(() => 'no answer');
            if (--answersLeft === 0) resolve();
          });
        });
        await moment;
        await server.kill();
        await Promise.all(outcomes);
        await start();
        for (const { mark, request } of requests) await expectOne(mark, request);
      }
    },
    300_000 + trials * 30_000,
  );

  /** Sends the request, twice: both are answered alike, and what it makes is there once. */
  async function expectOne(mark: string, request: Request): Promise<void> {
    const first = await send(request);
    expect(first).toMatchObject({ status: 201 });
    expect(await send(request)).toEqual({ ...first, replayed: true });
    expect([mark, await stored(mark)]).toEqual([mark, 1]);
  }

  async function waitingAtGate(): Promise<number[]> {
    const { rows } = await postgres.query<{ pid: number }>(
      `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted`,
      [gate],
    );
    return rows.map(({ pid }) => pid);
  }
});
