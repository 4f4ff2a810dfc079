import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Api, newProject } from './support/api.js';
import { type Server, startServer } from './support/server.js';

let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let ann: Api;
let annId: string;
let path: string;

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
  path = `/sessions/${(await ann.made('/sessions')).id}/state`;
});

describe('the state of a session', () => {
  const none = { data: null, sandbox_id: null, updated_at: null };
  const put = (body: unknown, headers = {}) => ann.call('PUT', path, body, headers);

  it('is nulls before anything was kept', async () => {
    const reply = await ann.get(path);
    expect([reply.status, reply.body]).toEqual([200, none]);
  });

  it('is kept as it was sent, whatever JSON it is', async () => {
    for (const data of [{ step: 1, text: 'Zoë \u{1f600}' }, [1, null], 'text', 0, false]) {
      const reply = await put({ data });
      expect([reply.status, reply.body['data']]).toEqual([200, data]);
      expect((await ann.get(path)).body).toEqual(reply.body);
    }
    expect((await put({ data: null })).body).toMatchObject({ data: null, updated_at: expect.any(String) });
  });

  it('points to a sandbox, which is set and cleared alone, and stays when it is not named', async () => {
    const point = (sandbox_id: unknown) => ann.call('PUT', `${path}/sandbox`, { sandbox_id });
    await put({ data: 1 });
    expect((await point('box-1')).body).toMatchObject({ data: 1, sandbox_id: 'box-1' });
    expect((await put({ data: 2 })).body).toMatchObject({ data: 2, sandbox_id: 'box-1' });
    expect((await point(null)).body).toMatchObject({ data: 2, sandbox_id: null });
    expect((await put({ data: 2, sandbox_id: 'box-2' })).body).toMatchObject({
      data: 2,
      sandbox_id: 'box-2',
    });
    expect((await point(7)).status).toBe(400);
    expect((await ann.call('PUT', `${path}/sandbox`, {})).status).toBe(400);
  });

  it('is guarded by If-Match, from the first state on', async () => {
    const first = await put({ data: 1 }, { 'if-match': '"0"' });
    expect([first.status, first.headers.get('etag')?.slice(0, 3)]).toEqual([200, '"1.']);
    expect((await put({ data: 2 }, { 'if-match': '"0"' })).body['code']).toBe('revision_mismatch');
    const racers = Array.from({ length: 20 }, (_, n) => put({ data: n + 10 }, { 'if-match': '"1"' }));
    expect((await Promise.all(racers)).filter(({ status }) => status === 200)).toHaveLength(1);
  });

  it('is refused when it is no body, or too large', async () => {
    expect((await put({})).status).toBe(400);
    expect((await put({ data: 1, more: 2 })).status).toBe(400);
    expect((await put({ data: 'x'.repeat(524_288) })).body['code']).toBe('payload_too_large');
    expect((await ann.get(path)).body).toEqual(none);
  });

  it('is for those who see the session, and is gone with it', async () => {
    const viewer = await project.caller('viewer', annId);
    expect((await viewer.get(path)).status).toBe(200);
    expect((await viewer.call('PUT', path, { data: 1 })).status).toBe(403);
    expect((await (await project.caller('user')).get(path)).status).toBe(404);
    await ann.delete(path.replace('/state', ''));
    expect((await ann.get(path)).status).toBe(410);
  });
});
