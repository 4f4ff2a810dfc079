import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Api, type Body, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;
let annId: string;
let session: string;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  annId = randomUUID();
  ann = await project.caller('user', annId);
  session = (await ann.made('/sessions')).id;
});

const name = (body: Body = {}, caller = ann, of = session): Promise<Reply> =>
  caller.post(`/sessions/${of}/mounts`, { slug: 'work', uri: 's3://bucket/work', ...body });
const named = async (body: Body = {}): Promise<string> => String((await name(body)).body['id']);

describe('creating', () => {
  it('answers 201 with the mount', async () => {
    const reply = await name({ name: 'Work', read_only: true, metadata: { of: 'ann' } });
    expect(reply.status).toBe(201);
    expect(reply.body).toMatchObject({
      project_id: project.id,
      session_id: session,
      user_id: annId,
      slug: 'work',
      name: 'Work',
      uri: 's3://bucket/work',
      read_only: true,
      metadata: { of: 'ann' },
      archived_at: null,
      revision: 1,
    });
    const id = String(reply.body['id']);
    expect(reply.headers.get('location')).toBe(`/v1/mounts/${id}`);
    const read = await ann.get(`/mounts/${id}`);
    expect(read.body).toEqual(reply.body);
    expect((await ann.get(`/mounts/${id}`, { 'if-none-match': read.headers.get('etag') ?? '' })).status).toBe(
      304,
    );
  });

  it.each<[string, Body, string]>([
    ['a slug with capitals', { slug: 'Work' }, '/slug'],
    ['a slug of 64 characters', { slug: 'a'.repeat(64) }, '/slug'],
    ['no slug', { slug: null }, '/slug'],
    ['no pointer', { uri: null }, '/uri'],
    ['a path', { uri: '/srv/work' }, '/uri'],
    ['a pointer with credentials', { uri: 'https://ann:secret@example.com/' }, '/uri'],
    ['what is not known', { nope: 1 }, '/nope'],
  ])('refuses %s, and says where', async (_what, body, pointer) => {
    const { status, body: problem } = await name(body);
    expect([status, problem['code']]).toEqual([400, 'validation_failed']);
    expect((problem['errors'] as Body[]).map((error) => error['pointer'])).toEqual([pointer]);
  });

  it('refuses the slugs of the service itself', async () => {
    const { status, body } = await name({ slug: 'rl-home' });
    expect([status, body['code']]).toEqual([400, 'reserved_slug']);
  });

  it('gives a slug once in a project, also when twenty ask for it at once', async () => {
    const other = (await ann.made('/sessions')).id;
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, n) => name({}, ann, n % 2 === 0 ? session : other)),
    );
    expect(replies.filter(({ status }) => status === 201)).toHaveLength(1);
    const refused = replies.filter(({ status }) => status === 409);
    expect(new Set(refused.map(({ body }) => body['code']))).toEqual(new Set(['slug_taken']));
    expect(refused).toHaveLength(19);

    const elsewhere = await (await newProject(server)).caller('user');
    const session_ = (await elsewhere.made('/sessions')).id;
    expect((await name({}, elsewhere, session_)).status).toBe(201);
  });

  it('is the same once when it is sent again with its key', async () => {
    const key = { 'idempotency-key': randomUUID() };
    const send = () => ann.post(`/sessions/${session}/mounts`, { slug: 'work', uri: 'x:y' }, key);
    const [one, again] = [await send(), await send()];
    expect([again.status, again.body]).toEqual([201, one.body]);
  });
});

describe('listing', () => {
  it('shows those of a session, by path and by parameter', async () => {
    const ids = [await named({ slug: 'a' }), await named({ slug: 'b' }), await named({ slug: 'c' })];
    const newestFirst = [...ids].reverse();
    expect(await ann.ids(`/sessions/${session}/mounts`)).toEqual(newestFirst);
    expect(await ann.ids(`/mounts?session_id=${session}&order=asc`)).toEqual(ids);
    expect(await ann.ids(`/mounts?session_id=${session}&slug=b`)).toEqual([ids[1]]);
    expect(await ann.allIds(`/mounts?session_id=${session}`, 2)).toEqual(newestFirst);
  });

  it('asks for the session', async () => {
    const { status, body } = await ann.get('/mounts?slug=work');
    expect([status, body['code']]).toEqual([422, 'session_id_required']);
  });

  it('leaves out what is archived, unless asked for it', async () => {
    const [kept, archived] = [await named({ slug: 'a' }), await named({ slug: 'b' })];
    await ann.post(`/mounts/${archived}/archive`);
    const listed = (value: string) => ann.ids(`/mounts?session_id=${session}${value}`);
    expect(await listed('')).toEqual([kept]);
    expect(await listed('&archived=true')).toEqual([archived]);
    expect(await listed('&archived=any')).toEqual([archived, kept]);
  });
});

describe('changing', () => {
  it('replaces what is named, merges metadata, and is guarded by If-Match', async () => {
    const reply = await name({ name: 'Work', metadata: { a: 1, b: 2 } });
    const id = String(reply.body['id']);
    const etag = { 'if-match': reply.headers.get('etag') ?? '' };
    const change = { name: null, uri: 'file:///srv/work', metadata: { a: null, c: 3 } };
    const changed = await ann.patch(`/mounts/${id}`, change, etag);
    expect(changed.body).toMatchObject({
      name: null,
      uri: 'file:///srv/work',
      read_only: false,
      revision: 2,
    });
    expect(changed.body['metadata']).toEqual({ b: 2, c: 3 });
    const late = await ann.patch(`/mounts/${id}`, { read_only: true }, etag);
    expect([late.status, late.body['code']]).toEqual([412, 'revision_mismatch']);
    expect((await ann.patch(`/mounts/${id}`, change)).body['revision']).toBe(2);
    expect((await ann.patch(`/mounts/${id}`, { slug: 'other' })).status).toBe(400);
    expect((await ann.patch(`/mounts/${id}`, { uri: 'nowhere' })).status).toBe(400);
  });

  it('archives and takes back, as often as it is asked; the slug stays taken', async () => {
    const id = await named();
    const seen: unknown[] = [];
    for (const verb of ['archive', 'archive', 'unarchive', 'unarchive']) {
      const { status, body } = await ann.post(`/mounts/${id}/${verb}`);
      seen.push([status, body['archived_at'] !== null, body['revision']]);
      expect((await name()).body['code']).toBe('slug_taken');
    }
    expect(seen).toEqual([
      [200, true, 2],
      [200, true, 2],
      [200, false, 3],
      [200, false, 3],
    ]);
  });
});

it('is read by whoever sees the session, and changed by all of them but viewers', async () => {
  const id = await named();
  const statuses = async (caller: Api) => [
    (await caller.get(`/mounts/${id}`)).status,
    (await caller.get(`/mounts?session_id=${session}`)).status,
    (await caller.patch(`/mounts/${id}`, { name: caller.key })).status,
    (await caller.post(`/mounts/${id}/archive`)).status,
  ];
  const stranger = await (await newProject(server)).caller('admin');
  expect(await statuses(await project.caller('user'))).toEqual([404, 404, 404, 404]);
  expect(await statuses(stranger)).toEqual([404, 404, 404, 404]);
  expect(await statuses(await project.caller('viewer', annId))).toEqual([200, 200, 403, 403]);
  expect(await statuses(await project.caller('worker'))).toEqual([200, 200, 200, 200]);
});

it('of a deleted session is read still, and neither listed nor changed', async () => {
  const id = await named();
  await ann.delete(`/sessions/${session}`);
  expect((await ann.get(`/mounts/${id}`)).status).toBe(200);
  const refused = [
    await ann.get(`/sessions/${session}/mounts`),
    await ann.get(`/mounts?session_id=${session}`),
    await ann.patch(`/mounts/${id}`, { name: 'late' }),
    await name({ slug: 'late' }),
  ];
  expect(refused.map(({ status }) => status)).toEqual([410, 410, 410, 410]);
});
