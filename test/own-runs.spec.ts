import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

let server: Server;
let ann: Api;
let worker: Api;

beforeAll(async () => {
  server = await startServer();
  const project = await newProject(server);
  ann = await project.caller('user');
  worker = await project.caller('worker');
});
afterAll(async () => {
  await server.stop();
});

const lease = { worker_id: 'w-1', lease_seconds: 60 };
const expectProblem = ({ status, body }: Reply, expected: number, code: string): void => {
  expect({ status, code: body['code'] }).toEqual({ status: expected, code });
};
const claimed = async (): Promise<Body[]> =>
  dataOf(await worker.post('/runs/claim', { worker_id: 'thief', max: 100 }));

describe('a run that its creator carries out', () => {
  it('is running at once, under the lease asked for, and nobody can claim it', async () => {
    const reply = await worker.post('/runs', { status: 'running', lease });
    const { id, lease_id } = reply.body as { id: string; lease_id: string };
    expect(reply).toMatchObject({
      status: 201,
      body: { status: 'running', attempt: 1, revision: 2, lease: { worker_id: 'w-1' } },
    });
    expect(await claimed()).toEqual([]);
    expect((await worker.post(`/runs/${id}/heartbeat`, { lease_id })).status).toBe(200);
    expect((await worker.get(`/runs/${id}`)).body).toEqual(expect.not.objectContaining({ lease_id }));
    const events = dataOf(await worker.get(`/runs/${id}/events`));
    expect(events.map(({ type }) => type)).toEqual(['run.created', 'run.started']);
    expect(JSON.stringify(events)).not.toContain(lease_id);
  });

  it('has the same lease when the request is sent again', async () => {
    const headers = { 'idempotency-key': randomUUID() };
    const first = await worker.post('/runs', { status: 'running', lease }, headers);
    expect((await worker.post('/runs', { status: 'running', lease }, headers)).body).toEqual(first.body);
  });

  it('holds its session, and is steered away like any other', async () => {
    const session = await worker.made('/sessions');
    const runs = `/sessions/${session.id}/runs`;
    const held = await worker.made(runs, { status: 'running', lease });
    expectProblem(await worker.post(runs, { status: 'running' }), 409, 'session_busy');
    await worker.made(runs, { status: 'running', on_active_run: 'steer' });
    const { body } = await worker.post(`/runs/${held.id}/heartbeat`, { lease_id: held['lease_id'] });
    expect(body).toMatchObject({ code: 'lease_lost', run_status: 'cancelled' });
    const feed = JSON.stringify(dataOf(await worker.get(`/sessions/${session.id}/events`)));
    expect(feed).not.toContain(held['lease_id']);
  });

  it('has failed as orphaned when its last attempt falls silent', async () => {
    const silent = { status: 'running', lease: { ...lease, lease_seconds: 1 }, max_attempts: 1 };
    const { id } = await worker.made('/runs', silent);
    await until(async () => (await worker.get(`/runs/${id}`)).body['status'] === 'failed');
    expect((await worker.get(`/runs/${id}`)).body).toMatchObject({ done_reason: 'orphaned' });
  }, 60_000);

  it('may be a user’s, without a lease', async () => {
    const run = await ann.made('/runs', { status: 'running' });
    expect(run).toMatchObject({ status: 'running', lease: null });
    expect(run).not.toHaveProperty('lease_id');
    expect(await claimed()).toEqual([]);
    expectProblem(await ann.post('/runs', { status: 'running', lease }), 403, 'forbidden');
  });

  const stream = { accept: 'text/event-stream' };
  it.each<[string, string, Body, string?, Record<string, string>?]>([
    ['a lease of a pending one', '/lease', { lease }],
    ['one that may have to wait', '/status', { status: 'running', on_active_run: 'enqueue' }],
    ['a status it cannot begin with', '/status', { status: 'completed' }],
    ['a lease without a worker', '/lease/worker_id', { status: 'running', lease: {} }],
    ['a lease in a stream', '/lease', { status: 'running', lease }, '/runs', stream],
    ['a lease that is told at the end', '/lease', { status: 'running', lease }, '/runs?wait=true'],
  ])('is refused: %s', async (_what, pointer, body, path = '/runs', headers = {}) => {
    const reply = await worker.post(path, body, headers);
    expectProblem(reply, 400, 'validation_failed');
    expect(reply.body['errors']).toMatchObject([{ pointer }]);
  });
});
