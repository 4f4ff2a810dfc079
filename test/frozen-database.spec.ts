import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Api, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

const refusal = { code: 'store_unavailable', retryable: true };

let server: Server;
let admin: Api;
let ann: Api;
/** The first refusals of what is asked while it is frozen. */
let unknownCaller: Promise<Reply>;
let read: Promise<Reply>;
let change: Promise<Reply>;
let frozen = false;
/** What waits for the database. */
const waiting: Promise<Reply>[] = [];

/** The postmaster of the server's Postgres, and those it has started: none comes or goes while it is frozen. */
function postgres(): { postmaster: number; children: number[] } {
  const [postmaster = ''] = readFileSync(join(server.dataDir, 'postgres/postmaster.pid'), 'utf8').split('\n');
  const children = execFileSync('pgrep', ['-P', postmaster], { encoding: 'utf8' }).trim().split('\n');
  return { postmaster: Number(postmaster), children: children.map(Number) };
}

/** Stops the postmaster, and then all that it has started. */
function freezePostgres(): void {
  frozen = true;
  process.kill(postgres().postmaster, 'SIGSTOP');
  for (const child of postgres().children) process.kill(child, 'SIGSTOP');
}

/** The postmaster goes on last: until then one that ends stays in the table of processes. Once thawed, they come and go. */
function thawPostgres(): void {
  if (!frozen) return;
  frozen = false;
  const { postmaster, children } = postgres();
  for (const pid of [...children, postmaster]) process.kill(pid, 'SIGCONT');
}

/** Asks again, without waiting for answers, until one is a refusal; all the others stay under way. */
async function firstRefusal(ask: () => Promise<Reply>): Promise<Reply> {
  let first: Reply | undefined;
  await until(async () => {
    const asked = ask();
    waiting.push(asked);
    void asked.then((reply) => {
      if (reply.status >= 400) first ??= reply;
    });
    await Promise.race([asked, pause(100)]);
    return first !== undefined;
  });
  return first as Reply;
}

describe('while the database is frozen', () => {
  beforeAll(async () => {
    server = await startServer({ DATA_DIR: mkdtempSync(join(tmpdir(), 'runledger-test-')) });
    admin = new Api(server.url, server.key);
    ann = await (await newProject(server)).caller('user');
    const { id } = await ann.made('/runs');
    await admin.made('/runs');
    freezePostgres();
    unknownCaller = firstRefusal(() => ann.get(`/runs/${id}`));
    read = firstRefusal(() => admin.get('/runs'));
    change = firstRefusal(() => admin.post('/runs', {}, { 'idempotency-key': randomUUID() }));
  });
  afterAll(async () => {
    thawPostgres();
    await server.stop();
    rmSync(server.dataDir, { recursive: true });
  });

  it('a caller who cannot be asked for is told to come back', async () => {
    const reply = await unknownCaller;
    expect(reply).toMatchObject({ status: 503, body: refusal });
    expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0);
  });

  it('reads do not queue up without end', async () => {
    expect(await read).toMatchObject({ status: 503, body: refusal });
  });

  it('changes do not queue up without end', async () => {
    expect(await change).toMatchObject({ status: 503, body: refusal });
  });

  it('the process lives, is not ready, and tells its figures but those of the read models', async () => {
    const headers = { authorization: `Bearer ${server.key}` };
    const [health, readiness, metrics] = await Promise.all(
      ['healthz', 'readyz', 'metrics'].map((path) => fetch(`${server.url}/${path}`, { headers })),
    );
    expect([health?.status, readiness?.status, metrics?.status]).toEqual([200, 503, 200]);
    const text = await metrics?.text();
    expect(text).toContain('\nrunledger_open_streams ');
    expect(text).not.toContain('\nrunledger_projection_lag_events{');
  });

  it('and awake again it answers who waits, and has every change that was not refused, once', async () => {
    thawPostgres();
    const replies = await Promise.all(waiting);
    const made = replies.flatMap(({ status, body }) => (status === 201 ? [body['id']] : []));
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200, 201, 503]));
    await until(async () => (await fetch(`${server.url}/readyz`)).ok);
    const listed = await admin.allIds('/runs');
    expect(listed.toSorted()).toEqual(expect.arrayContaining(made.toSorted()));
    expect(listed).toHaveLength(made.length + 1);
  });
});
