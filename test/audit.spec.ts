import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { verifyReceipt } from '#evidence';
import { Api, type Body, dataOf, newProject } from './support/api.js';
import type { Database } from './support/database.js';
import { type Env, outcomeOf, startRunledger } from './support/runledger.js';
import { eventsInPostgres, type Server, serverDatabase, startServer } from './support/server.js';

let server: Server;
let database: Database;
let admin: Api;
let project: Awaited<ReturnType<typeof newProject>>;
let [user, auditor, stranger]: Api[] = [];
let run: string;
let session: string;
const folder = mkdtempSync(join(tmpdir(), 'runledger-audit-'));

const sql = async (text: string): Promise<Body[]> => {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  try {
    return (await client.query<Body>(text)).rows;
  } finally {
    await client.end();
  }
};
const by = (api: Api | undefined): Api => api as Api;
const envOf = (api: Api | undefined): Env => ({ RUNLEDGER_URL: server.url, RUNLEDGER_API_KEY: by(api).key });
const runledger = (args: readonly string[], env: Env) => outcomeOf(startRunledger(args, env));
const lines = async (api: Api | undefined, query: string): Promise<Body[]> => {
  const response = await fetch(`${server.url}/v1/audit/events?${query}`, {
    headers: { authorization: `Bearer ${by(api).key}` },
  });
  expect(response.headers.get('content-type')).toContain('application/x-ndjson');
  return (await response.text())
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Body);
};

beforeAll(async () => {
  database = await serverDatabase();
  server = await startServer({ ...eventsInPostgres, DATABASE_URL: database.url });
  admin = new Api(server.url, server.key);
  project = await newProject(server);
  [user, auditor] = [await project.caller('user'), await project.caller('auditor')];
  stranger = await (await newProject(server)).caller('operator');
  session = (await by(user).made('/sessions', { title: 'One' })).id;
  run = (await by(user).made(`/sessions/${session}/runs`, {})).id;
  await by(user).post(`/runs/${run}/logs`, { entries: [{ message: 'line' }] });
  await by(user).post(`/sessions/${session}/transcript`, {
    segments: [{ kind: 'message', role: 'user', content: 'a word that must not be read' }],
  });
  await by(user).post(`/runs/${run}/events`, {
    events: [1, 2].map((n) => ({ type: 'x.step', data: { n } })),
  });
  await by(user).post(`/runs/${run}/cancel`, { reason: 'no longer needed' });
});

afterAll(async () => {
  await server.stop();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});

describe('GET /v1/audit/events', () => {
  it('gives the events of the project alone, oldest first, as they are stored', async () => {
    const events = await lines(auditor, '');
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['SessionCreated', 'RunCreated', 'RunCancelled']),
    );
    expect(new Set(events.map(({ metadata }) => (metadata as Body)['project']))).toEqual(
      new Set([project.id]),
    );
    const positions = events.map(({ position }) => Number(position));
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    expect((await lines(stranger, '')).some(({ stream }) => stream === `run-${run}`)).toBe(false);
  });

  it('selects by stream, category, actor, time, position and limit', async () => {
    const of = async (query: string) => (await lines(auditor, query)).map(({ stream }) => stream);
    const all = await lines(auditor, '');
    expect(new Set(await of(`stream=run-${run}`))).toEqual(new Set([`run-${run}`]));
    expect(new Set(await of('category=session'))).toEqual(new Set([`session-${session}`]));
    const actor = String((await by(user).get('/me')).body['principal_id']);
    expect((await of(`actor=${actor}`)).length).toBeGreaterThan(4);
    expect(await of(`actor=${session}`)).toEqual([]);
    expect(await of('from=2100-01-01T00:00:00Z')).toEqual([]);
    expect(await of('to=2100-01-01T00:00:00Z')).toHaveLength(all.length);
    const [first, second, third] = all.map(({ position }) => Number(position));
    expect((await lines(auditor, `after=${first}&before=${third}`)).map(({ position }) => position)).toEqual([
      second,
    ]);
    expect(await of('limit=2')).toHaveLength(2);
  });

  it('shows neither what is sealed nor the keys to it', async () => {
    const events = await lines(auditor, '');
    expect(JSON.stringify(events)).not.toContain('a word that must not be read');
    expect(events.some(({ stream }) => String(stream).startsWith('transcriptSeeds-'))).toBe(false);
    expect(await lines(auditor, `stream=transcriptSeeds-${session}`)).toEqual([]);
  });

  it.each(['viewer', 'user', 'worker'] as const)('is refused to a %s', async (role) => {
    const caller = await project.caller(role);
    for (const path of [
      'audit/events',
      'audit/export',
      'audit/accesses',
      'audit/keys',
      'audit/receipts/1',
      `runs/${run}/audit`,
    ]) {
      expect((await caller.get(`/${path}`)).body['code']).toBe('forbidden');
    }
  });
});

describe('the audit of a run and of a session', () => {
  it('tells who did what, when and why', async () => {
    const [newest] = dataOf(await by(auditor).get(`/runs/${run}/audit`));
    const actor = (await by(user).get('/me')).body['principal_id'];
    expect(newest).toMatchObject({
      type: 'RunCancelled',
      actor,
      reason: 'no longer needed',
      stream: `run-${run}`,
    });
    expect(newest).toMatchObject({ causation_id: expect.any(String), correlation_id: expect.any(String) });
  });

  it('has what happened in the streams beside its own', async () => {
    const streamsOf = async (path: string) =>
      new Set(dataOf(await by(auditor).get(`${path}/audit?limit=100`)).map(({ stream }) => stream));
    const { id } = await by(user).made('/sessions');
    const own = (await by(user).made(`/sessions/${id}/runs`)).id;
    await by(user).post(`/runs/${own}/logs`, { entries: [{ message: 'line' }] });
    for (const path of [`/sessions/${id}`, `/runs/${own}`]) {
      await by(user).post(`${path}/transcript`, { segments: [{ role: 'user', content: 'word' }] });
    }
    await by(user).post(`/sessions/${id}/schedules`, { cron: '0 9 * * *', run: {}, enabled: false });
    expect(await streamsOf(`/sessions/${id}`)).toEqual(
      new Set([`session-${id}`, `schedules-${id}`, `transcript-${id}`]),
    );
    expect(await streamsOf(`/runs/${own}`)).toEqual(
      new Set([`run-${own}`, `runLog-${own}`, `transcript-${own}`]),
    );
  });

  it('tells which event of the timeline was told', async () => {
    const all = dataOf(await by(auditor).get(`/runs/${run}/audit?order=asc`));
    const told = all.flatMap(({ type, event_type }) => (type === 'RunEventRecorded' ? [event_type] : []));
    expect(told).toEqual(['x.step', 'x.step']);
    expect(all[0]).toMatchObject({ type: 'RunCreated', event_type: null });
  });

  it.each(['asc', 'desc'])('pages over all streams of the run, %s', async (order) => {
    const path = `/runs/${run}/audit?order=${order}`;
    const all = dataOf(await by(auditor).get(path)).map(({ event_id }) => event_id);
    expect(all).toHaveLength(5);
    const paged: unknown[] = [];
    let cursor = '';
    do {
      const reply = await by(auditor).get(`${path}&limit=1${cursor}`);
      paged.push(...dataOf(reply).map(({ event_id }) => event_id));
      cursor = reply.body['next_cursor'] === null ? '' : `&cursor=${reply.body['next_cursor'] as string}`;
    } while (cursor !== '');
    expect(paged).toEqual(all);
  });

  it('is still there when the session is deleted, and never for another project', async () => {
    const gone = (await by(user).made('/sessions')).id;
    await by(user).delete(`/sessions/${gone}`);
    expect(dataOf(await by(auditor).get(`/sessions/${gone}/audit`))[0]).toMatchObject({
      type: 'SessionDeleted',
    });
    expect((await by(stranger).get(`/sessions/${gone}/audit`)).status).toBe(404);
    expect((await by(stranger).get(`/runs/${run}/audit`)).status).toBe(404);
  });

  it('tells who read it, and who was refused', async () => {
    await by(user).get(`/runs/${run}`, { 'x-request-id': 'a-read' });
    await by(user).call('HEAD', `/runs/${run}`, undefined, { 'x-request-id': 'a-look' });
    const viewer = await project.caller('viewer');
    await viewer.get(`/runs/${run}`, { 'x-request-id': 'not-mine' });
    await viewer.post(`/runs/${run}/cancel`, {}, { 'x-request-id': 'not-allowed' });
    const accesses = dataOf(await by(auditor).get(`/runs/${run}/audit?kind=accesses&limit=100`));
    const of = (id: string) => accesses.find(({ request_id }) => request_id === id);
    expect(of('a-read')).toMatchObject({ method: 'GET', route: '/v1/runs/:id', status: 200, code: null });
    expect(of('a-look')).toMatchObject({ method: 'HEAD', status: 200 });
    expect(of('not-mine')).toMatchObject({ status: 404, code: 'not_found' });
    expect(of('not-allowed')).toMatchObject({ method: 'POST', status: 403, code: 'forbidden' });
    expect(accesses.some(({ method, status }) => method === 'POST' && Number(status) < 400)).toBe(false);
  });
});

describe('GET /v1/audit/accesses', () => {
  it('shows a project its own, and callers whom nobody knows to the first project alone', async () => {
    await fetch(`${server.url}/v1/runs`, {
      headers: { 'x-request-id': 'nobody', authorization: 'Bearer wrong' },
    });
    const ids = async (api: Api) =>
      dataOf(await api.get('/audit/accesses?limit=100')).map(({ request_id }) => request_id);
    expect(await ids(admin)).toContain('nobody');
    expect(await ids(by(auditor))).not.toContain('nobody');
    expect(await ids(by(auditor))).toContain('a-read');
    expect(await ids(by(stranger))).not.toContain('a-read');
  });

  it('keeps no query, no key and no health check', async () => {
    await fetch(`${server.url}/healthz`, { headers: { 'x-request-id': 'healthy' } });
    await by(user).get('/runs?source=a-secret-in-a-query');
    await by(user).get('/runs/a%20secret%20in%20a%20path');
    await by(auditor).get('/audit/accesses');
    const rows = JSON.stringify(await sql('SELECT * FROM audit.accesses'));
    expect(rows).not.toMatch(/a-secret-in-a-query|a secret in a path|rl_|healthy/);
  });

  it('has a stream that is still open', async () => {
    const gone = new AbortController();
    await fetch(`${server.url}/v1/sessions/${session}/events`, {
      headers: {
        authorization: `Bearer ${by(user).key}`,
        accept: 'text/event-stream',
        'x-request-id': 'open',
      },
      signal: gone.signal,
    });
    const found = dataOf(await by(auditor).get(`/audit/accesses?resource_id=${session}`));
    expect(found.filter(({ request_id }) => request_id === 'open')).toHaveLength(1);
    gone.abort();
  });

  it('selects by actor and outcome', async () => {
    const refused = dataOf(await by(auditor).get('/audit/accesses?refused=true&limit=100'));
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.every(({ status }) => Number(status) >= 400)).toBe(true);
    const carriedOut = dataOf(await by(auditor).get('/audit/accesses?refused=false&limit=100'));
    expect(carriedOut.length).toBeGreaterThan(0);
    expect(carriedOut.every(({ status }) => Number(status) < 400)).toBe(true);
    const actor = String((await by(user).get('/me')).body['principal_id']);
    const own = dataOf(await by(auditor).get(`/audit/accesses?actor=${actor}`));
    expect(new Set(own.map((access) => access['actor']))).toEqual(new Set([actor]));
  });
});

describe('a receipt', () => {
  let position: number;
  const receiptAt = (api: Api | undefined, at: unknown) => by(api).get(`/audit/receipts/${String(at)}`);

  beforeAll(async () => {
    const operator = await project.caller('operator');
    const said = await operator.post(`/sessions/${session}/transcript`, {
      segments: [{ kind: 'message', role: 'user', content: 'what is to be erased' }],
    });
    const path = `/sessions/${session}/transcript/${String(said.body['first_seq'])}/redact`;
    expect((await operator.post(path, { reason: 'asked for by its author' })).status).toBe(200);
    const changes = dataOf(await by(auditor).get(`/sessions/${session}/audit`));
    position = Number(changes.find(({ type }) => type === 'SegmentRedacted')?.['position']);
  });

  it('shows an erasure with no server: what, by whom, when and why', async () => {
    const { status, body } = await receiptAt(auditor, position);
    expect(status).toBe(200);
    const [key] = dataOf(await admin.get('/audit/keys'));
    expect(verifyReceipt(JSON.stringify(body), [String(key?.['id'])]).findings).toEqual([]);
    expect(JSON.parse(String(body['line']))).toMatchObject({
      type: 'SegmentRedacted',
      data: { reason: 'asked for by its author' },
      position: String(position),
    });
    expect(JSON.stringify(body)).not.toContain('what is to be erased');
  });

  it('is the same again, and of every event of the project, before it and behind it', async () => {
    const first = await receiptAt(auditor, position);
    await by(user).made('/runs');
    expect((await receiptAt(auditor, position)).body).toEqual(first.body);
    for (const event of await lines(auditor, '')) {
      const { body } = await receiptAt(auditor, event['position']);
      expect(verifyReceipt(JSON.stringify(body)).findings).toEqual([]);
      expect(JSON.parse(String(body['line']))).toMatchObject({
        stream: event['stream'],
        data: event['data'],
      });
    }
  });

  it('can be made of what was stored before trees were kept with the leaves', async () => {
    await sql('UPDATE audit.leaves SET peaks = NULL');
    const { body } = await receiptAt(auditor, position);
    expect(verifyReceipt(JSON.stringify(body)).findings).toEqual([]);
  });

  it('is of events of the project alone, and for its auditors', async () => {
    expect((await receiptAt(stranger, position)).body).toMatchObject({ status: 404, code: 'not_found' });
    for (const none of [0, 999_999_999, '1x', -1]) {
      expect((await receiptAt(auditor, none)).body).toMatchObject({ status: 404, code: 'not_found' });
    }
    expect((await receiptAt(user, position)).body).toMatchObject({ code: 'forbidden' });
    const seeds = await sql(
      `SELECT position FROM eventstore.events WHERE stream LIKE 'transcriptSeeds-%' ORDER BY position LIMIT 1`,
    );
    expect((await receiptAt(auditor, seeds[0]?.['position'])).status).toBe(404);
  });

  it('is written and checked on the command line, and found out when it is altered', async () => {
    const file = join(folder, 'receipt.json');
    const receipt = (at: string) => runledger(['audit', 'receipt', at, '--out', file], envOf(auditor));
    const verify = (...more: readonly string[]) => runledger(['audit', 'verify', file, ...more], {});
    expect(await receipt(String(position))).toMatchObject({ code: 0, stdout: '' });
    expect(await verify()).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(
        /^SegmentRedacted \(transcript-.* is as it was stored; it was signed at /,
      ),
    });
    expect(await verify('--key', 'f'.repeat(64))).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^untrusted: key /),
    });
    expect((await receipt(String(position))).stderr).toMatch(/cannot be written: EEXIST/);
    expect((await receipt('none')).stderr).toContain('position must be a whole number from 1');
    const text = readFileSync(file, 'utf8');
    for (const [said, forged] of [
      ['asked for by its author', 'asked for by nobody.'],
      ['"line":"{', '"line":"['],
    ] as const) {
      writeFileSync(file, text.replace(said, forged));
      expect(await verify()).toMatchObject({ code: 1, stdout: 'altered: the event\n' });
    }
    rmSync(file);
    expect((await receipt('999999999')).stderr).toMatch(/^not_found: /);
    expect((await verify()).stderr).toMatch(/cannot be read: ENOENT/);
  });
});

describe('an export', () => {
  const made = async (name: string, api: Api | undefined, ...options: string[]) => {
    const dir = join(folder, name);
    const outcome = await runledger(['audit', 'export', '--out', dir, ...options], envOf(api));
    return { dir, outcome, verify: (...more: string[]) => runledger(['audit', 'verify', dir, ...more], {}) };
  };

  it('of a project holds its events, and of the others their leaves alone', async () => {
    const { dir, verify } = await made('project', auditor);
    expect(await verify()).toMatchObject({ code: 0 });
    const text = readFileSync(join(dir, 'events.ndjson'), 'utf8');
    expect(text).toContain(`run-${run}`);
    expect(text).not.toContain('transcriptSeeds-');
    expect(text).not.toContain('"project":"default"');
    const again = async () => (await made('project', auditor)).outcome;
    expect(await again()).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/holds an export already/),
    });
    rmSync(join(dir, 'manifest.json'));
    expect(await again()).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/holds .* that broke off/),
    });
  });

  it('that is refused leaves no folder, which would be in the way of the next try', async () => {
    const { dir, outcome } = await made('refused', await project.caller('viewer'));
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringMatching(/^forbidden: /) as unknown });
    expect(existsSync(dir)).toBe(false);
  });

  it('of a project is whole where operators of another have used a stream of the instance', async () => {
    const operator = await project.caller('operator');
    for (const api of [operator, stranger, operator]) {
      expect(await runledger(['projections', 'rebuild', 'mounts'], envOf(api))).toMatchObject({ code: 0 });
    }
    const { dir, verify } = await made('rebuilt', operator);
    expect(await verify()).toMatchObject({ code: 0 });
    expect(readFileSync(join(dir, 'events.ndjson'), 'utf8')).not.toContain('projection-');
    expect(await (await made('rebuilt-all', admin, '--instance')).verify()).toMatchObject({ code: 0 });
  });

  it('of all projects is for the first project’s admins alone', async () => {
    expect((await made('none', stranger, '--instance')).outcome.stderr).toMatch(/^forbidden: /);
    const { verify } = await made('all', admin, '--instance');
    const [key] = dataOf(await admin.get('/audit/keys'));
    expect(await verify('--key', String(key?.['id']))).toMatchObject({ code: 0 });
    expect((await verify('--key', 'f'.repeat(64))).stdout).toMatch(/^untrusted: key /);
  });

  it('may begin with a later checkpoint', async () => {
    const { dir } = await made('first', auditor);
    const [last] = JSON.parse(
      `[${readFileSync(join(dir, 'checkpoints.ndjson'), 'utf8').trim().split('\n').at(-1) ?? ''}]`,
    ) as Body[];
    await by(user).made('/runs');
    const { verify, dir: later } = await made(
      'later',
      auditor,
      '--from-position',
      String(last?.['position']),
    );
    expect(await verify()).toMatchObject({ code: 0 });
    const [line] = readFileSync(join(later, 'events.ndjson'), 'utf8').split('\n');
    expect(JSON.parse(line ?? '')).toMatchObject({ n: last?.['size'] });
  });

  it('is signed with a key that only its owner may read', () => {
    const file = join(server.dataDir, 'audit-key.pem');
    expect(existsSync(file)).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('shows what was done to the database: an event altered, an event removed', async () => {
    await made('before', admin, '--instance');
    const target = `stream = 'run-${run}' AND revision = 0`;
    const [event] = await sql(`SELECT position, data::text FROM eventstore.events WHERE ${target}`);
    await sql(`UPDATE eventstore.events SET data = '{"forged":true}' WHERE ${target}`);
    const altered = await (await made('altered', admin, '--instance')).verify();
    expect(altered.stdout).toMatch(
      new RegExp(`^altered: events.ndjson line \\d+, event \\d+ \\(run-${run} revision 0,`),
    );
    await sql(`UPDATE eventstore.events SET data = $d$${String(event?.['data'])}$d$ WHERE ${target}`);
    expect((await (await made('mended', admin, '--instance')).verify()).code).toBe(0);
    for (const revision of [3, 1]) {
      const which = `stream = 'run-${run}' AND revision = ${revision}`;
      await sql(`CREATE TABLE kept AS SELECT * FROM eventstore.events WHERE ${which}`);
      await sql(`DELETE FROM eventstore.events WHERE ${which}`);
      const removed = await (await made(`removed-${revision}`, admin, '--instance')).verify();
      const others = await made(`others-${revision}`, stranger);
      expect(readFileSync(join(others.dir, 'events.ndjson'), 'utf8')).not.toContain(run);
      expect(removed.stdout).toMatch(
        new RegExp(`^removed: events.ndjson line \\d+, event \\d+ \\(run-${run} revision ${revision},`),
      );
      await sql('INSERT INTO eventstore.events SELECT * FROM kept; DROP TABLE kept');
    }
  });
});

it('an export shows what was inserted into the database, and needs no event at its end', async () => {
  const exported = async (api: Api | undefined, name: string, ...options: string[]) => {
    const dir = join(folder, name);
    const outcome = await runledger(['audit', 'export', '--out', dir, ...options], envOf(api));
    expect(outcome.code).toBe(0);
    return runledger(['audit', 'verify', dir], {});
  };
  const [gap] = await sql("SELECT nextval('eventstore.position')::int AS position");
  expect(await exported(admin, 'gap', '--instance')).toMatchObject({ code: 0 });
  await by(user).made('/runs');
  expect(await exported(admin, 'behind-gap', '--instance')).toMatchObject({ code: 0 });
  const [{ id } = { id: '' }] = await sql(
    `INSERT INTO eventstore.events (position, revision, id, stream, type, metadata, data)
     SELECT ${String(gap?.['position'])}, 0, gen_random_uuid(), 'run-' || gen_random_uuid(), type, metadata, data
     FROM eventstore.events WHERE stream = 'run-${run}' AND revision = 0 RETURNING id`,
  );
  expect(await exported(admin, 'inserted', '--instance')).toMatchObject({ code: 1 });
  expect(await exported(stranger, 'inserted-elsewhere')).toMatchObject({ code: 0 });
  await sql(`DELETE FROM eventstore.events WHERE id = '${String(id)}'`);
});

describe('runledger audit', () => {
  it('replays a stream, with the state after each event', async () => {
    const { stdout } = await runledger(['audit', 'replay', `run-${run}`], envOf(auditor));
    const steps = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Body);
    expect(steps.map(({ type, state }) => [type, (state as Body)['status']])).toEqual([
      ['RunCreated', 'pending'],
      ['RunEventRecorded', 'pending'],
      ['RunEventRecorded', 'pending'],
      ['RunCancelled', 'cancelled'],
    ]);
  });

  it('shows a run and a session as they were', async () => {
    const asOf = async (subject: string, moment: string) =>
      JSON.parse((await runledger(['audit', 'as-of', subject, moment], envOf(auditor))).stdout) as Body;
    expect(await asOf(run, '1')).toMatchObject({ id: run, status: 'pending' });
    expect(await asOf(`session-${session}`, '2100-01-01T00:00:00Z')).toMatchObject({ id: session });
    expect(await asOf(session, '1')).toMatchObject({ id: session, title: 'One' });
  });

  it('replays a session that was deleted, whose states are shown no more', async () => {
    const gone = await by(user).made('/sessions', { title: 'Gone' });
    await by(user).delete(`/sessions/${gone.id}`);
    const { code, stdout } = await runledger(['audit', 'replay', `session-${gone.id}`], envOf(auditor));
    const types = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as Body)['type']);
    expect([code, types]).toEqual([0, ['SessionCreated', 'SessionDeleted']]);
  });

  it('says what is missing', async () => {
    expect(await runledger(['audit', 'as-of', run, '2000-01-01T00:00:00Z'], envOf(auditor))).toMatchObject({
      code: 1,
      stderr: `not_found: no run or session ${run} was there then\n`,
    });
    expect(await runledger(['audit'], {})).toMatchObject({ code: 2 });
    expect(await runledger(['audit', 'verify', join(folder, 'nowhere')], {})).toMatchObject({ code: 2 });
    expect(await runledger(['audit', 'replay', 'run-none'], envOf(auditor))).toMatchObject({ code: 1 });
  });
});
