import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Client } from 'pg';
import { Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

let database: Database;
let server: Server;
let project: string;
let operator: Api;
let source: string;

beforeAll(async () => {
  database = await serverDatabase();
  server = await startServer({ DATABASE_URL: database.url });
});
afterAll(async () => {
  await server.stop();
  await database.drop();
});
beforeEach(async () => {
  const made = await newProject(server);
  project = made.id;
  operator = await made.caller('operator');
  source = (await operator.made('/sessions')).id;
});
// Whatever was removed: built again from what is left, the read models are the same.
afterEach(async () => {
  const admin = new Api(server.url, server.key);
  for (const name of ['transcripts', 'timeline', 'sessions']) {
    const path = `/projections/${name}/rebuilds`;
    const id = (await admin.post(path, { mode: 'verify' })).body['id'] as string;
    let verified: Body = {};
    await until(async () => {
      verified = (await admin.get(`${path}/${id}`)).body;
      return verified['ended_at'] !== null;
    });
    expect(verified).toMatchObject({ status: 'succeeded', result: { identical: true } });
  }
});

const say = async (session: string, ...contents: unknown[]): Promise<void> => {
  for (const content of contents) {
    const segments = [{ role: 'user', content, metadata: { n: 1 } }];
    expect((await operator.post(`/sessions/${session}/transcript`, { segments })).status).toBe(201);
  }
};
const fork = async (of: string, body: Body = {}): Promise<string> =>
  (await operator.made(`/sessions/${of}/fork`, body)).id;
/** What a session shows: the contents that are there, and what became of the others. */
const shown = async (session: string): Promise<unknown[]> =>
  dataOf(await operator.get(`/sessions/${session}/transcript?view=full`)).map(
    ({ content, retention }) => content ?? (retention as Body)['state'],
  );
const put = (scope: string, limits: Body): Promise<Reply> =>
  operator.call('PUT', `/retention/policies/${scope}/transcripts`, limits);
const keep = (session: string): Promise<Reply> => put(`session:${session}`, {});
const expire = (session: string): Promise<Reply> => put(`session:${session}`, { max_bytes: 0 });
const explained = async (session: string): Promise<Body> => {
  const { kinds } = (await operator.get(`/sessions/${session}/retention`)).body as { kinds: Body[] };
  return kinds.find(({ kind }) => kind === 'transcripts') ?? {};
};

/** Has a sweep made, which must do what the preview of the project's policy says, if that is given. */
async function swept(limits?: Body): Promise<Body[]> {
  const body = { scope: 'project', kind: 'transcripts', ...limits };
  const told = limits && (await operator.post('/retention/preview', body)).body;
  const { headers } = await operator.post('/retention/apply');
  let operation: Body = {};
  await until(async () => {
    operation = (await operator.get(String(headers.get('location')).replace('/v1', ''))).body;
    return operation['status'] !== 'running';
  });
  const { removed, kept } = operation['result'] as { removed: Body[]; kept: number };
  expect([operation['status'], kept]).toEqual(['succeeded', 0]);
  if (told !== undefined) expect(removed).toEqual(told['count'] === 0 ? [] : [{ ...told, archives: [] }]);
  return removed;
}

describe('what a fork shares', () => {
  test('stays in both as long as the fork’s policy keeps it, and goes when that lets it go', async () => {
    await say(source, 'one', 'two');
    const id = await fork(source);
    await say(source, 'theirs');
    await expire(source);
    expect(await swept()).toEqual([]);
    expect(await explained(source)).toMatchObject({ stored: { count: 3 }, shared_with: [id] });
    expect(await shown(source)).toEqual(['one', 'two', 'theirs']);
    await expire(id);
    expect(await swept()).toMatchObject([{ count: 2, ids: [id] }]);
    expect([await shown(id), await shown(source)]).toEqual([
      ['purged', 'purged'],
      ['one', 'two', 'theirs'],
    ]);
    expect(await explained(id)).toMatchObject({
      stored: { count: 0 },
      purged: { count: 2 },
      shared_with: [],
    });
    expect(await explained(source)).toMatchObject({ shared_with: [] });
    expect(await swept()).toMatchObject([{ count: 3, ids: [source] }]);
    expect(await shown(source)).toEqual(['purged', 'purged', 'purged']);
    await say(id, 'mine');
    expect(await shown(id)).toEqual(['purged', 'purged', 'mine']);
  });

  test('goes from the fork at once by the fork’s own policy, and from nobody else', async () => {
    await say(source, 'one', 'two');
    const id = await fork(source);
    const further = await fork(id);
    await say(id, 'mine');
    await expire(id);
    expect(await swept()).toMatchObject([{ count: 3, ids: [id] }]);
    expect(await shown(id)).toEqual(['purged', 'purged', 'purged']);
    expect([await shown(source), await shown(further)]).toEqual([
      ['one', 'two'],
      ['one', 'two'],
    ]);
    const gone = await operator.post(`/sessions/${id}/transcript/1/redact`, { reason: 'private' });
    expect([gone.status, gone.body['code']]).toEqual([410, 'gone']);
    const later = await fork(id);
    expect(await shown(later)).toEqual(['purged', 'purged', 'purged']);
    await say(later, 'later');
    await expire(later);
    expect(await swept()).toMatchObject([{ count: 1, ids: [later] }]);
    expect(await shown(later)).toEqual(['purged', 'purged', 'purged', 'purged']);
  });

  test('is kept, and removed, as the preview of one policy for all says', async () => {
    await say(source, 'one', 'two', 'three');
    const id = await fork(source);
    await say(id, 'mine');
    const further = await fork(id);
    await say(further, 'further');
    const limits = { max_bytes: 0 };
    await put('project', limits);
    for (let n = 0; n < 3; n++) await swept(limits);
    expect(await shown(source)).toEqual(['purged', 'purged', 'purged']);
    expect(await shown(id)).toEqual(['purged', 'purged', 'purged', 'purged']);
    expect(await shown(further)).toEqual(['purged', 'purged', 'purged', 'purged', 'purged']);
    expect(await swept(limits)).toEqual([]);
  });

  test('goes partly, as far as each lets it', async () => {
    await say(source, 'one', 'two', 'three');
    const id = await fork(source);
    await say(id, 'mine');
    const bytes = JSON.stringify('three').length + JSON.stringify('mine').length;
    await put(`session:${id}`, { max_bytes: bytes });
    await expire(source);
    await swept();
    expect(await shown(id)).toEqual(['purged', 'purged', 'three', 'mine']);
    expect(await shown(source)).toEqual(['one', 'two', 'three']);
    await swept();
    expect(await shown(source)).toEqual(['purged', 'purged', 'three']);
    const further = await fork(id);
    expect(await shown(further)).toEqual(['purged', 'purged', 'three', 'mine']);
    await expire(id);
    await swept();
    await swept();
    expect(await shown(id)).toEqual(['purged', 'purged', 'purged', 'mine']);
    expect(await shown(further)).toEqual(['purged', 'purged', 'three', 'mine']);
    expect(await shown(source)).toEqual(['purged', 'purged', 'three']);
    await operator.post(`/sessions/${further}/transcript/3/redact`, { reason: 'private' });
    expect((await shown(further))[2]).toBe('live');
    await expire(further);
    for (let n = 0; n < 3; n++) await swept();
    expect(await shown(further)).toEqual(['purged', 'purged', 'purged', 'purged']);
    expect(await shown(id)).toEqual(['purged', 'purged', 'purged', 'purged']);
    expect(await shown(source)).toEqual(['purged', 'purged', 'purged']);
  });

  test('of a source that was deleted stays until the fork’s policy lets it go', async () => {
    await say(source, 'one');
    const id = await fork(source);
    await operator.delete(`/sessions/${source}`);
    await expire(source);
    await swept();
    expect(await shown(id)).toEqual(['one']);
  });

  test('with a fork that was deleted is let go, and what was the fork’s own goes as its policy says', async () => {
    await say(source, 'one', 'two');
    const id = await fork(source);
    await say(id, 'mine');
    await operator.delete(`/sessions/${id}`);
    await expire(source);
    expect(await swept()).toMatchObject([{ count: 2, ids: [source] }]);
    await expire(source);
    await put('project', { max_bytes: 0 });
    expect(await swept()).toMatchObject([{ count: 1, ids: [id] }]);
    expect(await swept()).toEqual([]);
  });

  test('stays for a fork on which a hold stands, were it deleted', async () => {
    await say(source, 'one');
    const id = await fork(source);
    const hold = await operator.made('/legal-holds', { subject: { session_id: id }, reason: 'case' });
    await operator.delete(`/sessions/${id}`);
    await expire(source);
    expect(await swept()).toEqual([]);
    await operator.delete(`/legal-holds/${hold.id}`);
    expect(await swept()).toMatchObject([{ count: 1, ids: [source] }]);
  });

  test('stays as it was when the fork is made: what was removed by then is removed', async () => {
    await say(source, 'one', 'two');
    await operator.patch(`/sessions/${source}`, { title: 'Renamed' });
    await say(source, 'three');
    await expire(source);
    await swept();
    await keep(source);
    await say(source, 'four');
    const id = await fork(source);
    expect(await shown(id)).toEqual(['purged', 'purged', 'purged', 'four']);
    expect(await shown(await fork(source, { at_sequence: 1 }))).toEqual(['purged', 'purged']);
    await say(id, 'mine');
    await expire(id);
    await swept();
    expect(await shown(id)).toEqual(['purged', 'purged', 'purged', 'purged', 'purged']);
    expect(await shown(source)).toEqual(['purged', 'purged', 'purged', 'four']);
    expect((await operator.get(`/sessions/${id}`)).status).toBe(200);
  });
});

describe('a fork that is made while a sweep removes', () => {
  /** Names whose turn it is in the project: everyone else who would fork or remove waits. */
  const turn = (): string => `retention ${project}`;
  let sql: Client;
  beforeEach(async () => {
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    await sql.query('SELECT pg_advisory_lock($1, hashtext($2))', [0x52_4c_54_4e, turn()]);
  });
  afterEach(async () => {
    await sql.end();
  });
  /** Until the first of the service's waits; those that come later are behind it. */
  const waiting = async (): Promise<void> => {
    await until(async () => {
      const asked = `SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND wait_event = 'advisory'`;
      return (await sql.query(asked, [`runledger turn ${turn()}`])).rows.length === 1;
    });
  };
  /** Until the sweep has decided what to remove. */
  const decided = async (): Promise<void> => {
    await until(async () => {
      const url = `${server.url}/v1/audit/events?stream=retentionSweeps-${project}`;
      const events = await fetch(url, { headers: { authorization: `Bearer ${operator.key}` } });
      return (await events.text()).includes('SweepBatchDecided');
    });
  };
  const ended = async (headers: Headers): Promise<Body> => {
    let operation: Body = {};
    await until(async () => {
      operation = (await operator.get(String(headers.get('location')).replace('/v1', ''))).body;
      return operation['status'] !== 'running';
    });
    return operation['result'] as Body;
  };

  test('and comes first, keeps what the sweep had decided to remove', async () => {
    await say(source, 'one');
    await expire(source);
    const forking = fork(source);
    await waiting();
    const { headers } = await operator.post('/retention/apply');
    await decided();
    await sql.end();
    const id = await forking;
    expect(await ended(headers)).toEqual({ removed: [], kept: 1 });
    expect([await shown(source), await shown(id)]).toEqual([['one'], ['one']]);
  });

  test('and comes second, is born without what was removed', async () => {
    await say(source, 'one');
    await expire(source);
    const { headers } = await operator.post('/retention/apply');
    await waiting();
    const forking = fork(source);
    await sql.end();
    const id = await forking;
    expect(await ended(headers)).toMatchObject({ removed: [{ count: 1 }], kept: 0 });
    expect([await shown(source), await shown(id)]).toEqual([['purged'], ['purged']]);
    await say(id, 'mine');
    expect(await shown(id)).toEqual(['purged', 'mine']);
  });

  test('is not made before the read model has the summary that was written while it waited', async () => {
    await say(source, 'one', 'two');
    const forking = operator.post(`/sessions/${source}/fork`);
    await waiting();
    const standstill = new Client({ connectionString: database.url });
    await standstill.connect();
    await standstill.query('BEGIN; LOCK TABLE transcripts.segments IN EXCLUSIVE MODE');
    const summed = await operator.post(`/sessions/${source}/transcript/compact`, {
      summary: 'both',
      keep_last: 0,
    });
    await sql.end();
    const early = await forking;
    await standstill.end();
    expect([summed.status, early.body['code']]).toEqual([201, 'projection_lagging']);
    const { body } = await operator.get(`/sessions/${await fork(source)}/transcript`);
    expect((body['data'] as Body[]).map(({ content }) => content)).toEqual(['both']);
  });
});
