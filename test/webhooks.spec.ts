import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf, newProject, type Reply } from './support/api.js';
import { type Answers, type Received, Receiver } from './support/receiver.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

const settings = { WEBHOOKS_ALLOW_PRIVATE: 'true' };
const receivers: Receiver[] = [];
let server: Server;
let project: Awaited<ReturnType<typeof newProject>>;
let operator: Api;
let ann: Api;

beforeAll(async () => {
  server = await startServer(settings);
});
afterAll(async () => {
  await server.stop();
});
beforeEach(async () => {
  project = await newProject(server);
  [operator, ann] = await Promise.all([project.caller('operator'), project.caller('user')]);
});
afterEach(async () => {
  await Promise.all(receivers.splice(0).map((receiver) => receiver.stop()));
});

async function receiving(answers?: Answers): Promise<Receiver> {
  const receiver = await Receiver.start(answers);
  receivers.push(receiver);
  return receiver;
}

const made = (receiver: Receiver, body: Body = {}, api = operator) =>
  api.made('/webhooks', { url: receiver.url, event_pattern: '*', ...body });

const typesOf = (received: readonly Received[]) => received.map(({ event }) => event['type']);
const codes = (replies: readonly Reply[]) => replies.map(({ status, body }) => [status, body['code']]);
const pathOf = ({ id }: { id: string }) => `/webhooks/${id}`;

/** The deliveries of a webhook once there are so many, none of them pending. */
async function settled(webhook: { id: string }, least: number): Promise<Body[]> {
  let found: Body[] = [];
  await until(async () => {
    found = dataOf(await operator.get(`${pathOf(webhook)}/deliveries`));
    return found.length >= least && found.every(({ status }) => status !== 'pending');
  });
  return found;
}

/** What a receiver does with the header, by the words of Standard Webhooks. */
function isSigned({ headers, body }: Received, secret: unknown): boolean {
  const key = Buffer.from(String(secret).slice('whsec_'.length), 'base64');
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
  const signature = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  return String(headers['webhook-signature']).split(' ').includes(signature);
}

describe('a webhook', () => {
  it('gets events though its description is no good Unicode', async () => {
    const receiver = await receiving();
    await operator.post(`${pathOf(await made(receiver, { description: '\ud800' }))}/ping`);
    expect(typesOf(await receiver.count(1))).toEqual(['webhook.ping']);
  });

  it('gets the events of its project that happen after its creation, signed', async () => {
    const receiver = await receiving();
    await ann.made('/sessions');
    const webhook = await made(receiver);
    const session = await ann.made('/sessions', { title: 'Zoë 😀' });
    await receiver.count(1);
    const run = await ann.made(`/sessions/${session.id}/runs`);
    await receiver.count(2);
    await ann.patch(`/runs/${run.id}`, { metadata: { k: 'v' } });
    const [first, second, third] = await receiver.count(3);
    expect(first?.event).toMatchObject({
      type: 'session.created',
      session_id: session.id,
      project_id: project.id,
      data: { title: 'Zoë 😀' },
    });
    expect(second?.event).toMatchObject({ type: 'run.created', run_id: run.id, sequence_number: 1 });
    expect(third?.event).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      type: 'run.updated',
      run_id: run.id,
      session_id: session.id,
      sequence_number: 2,
      position: expect.any(Number),
      created_at: expect.stringMatching(/Z$/),
      actor: expect.any(String),
      data: { metadata: { k: 'v' } },
    });
    for (const received of receiver.received) {
      expect(isSigned(received, webhook['secret'])).toBe(true);
      expect(isSigned({ ...received, body: `${received.body} ` }, webhook['secret'])).toBe(false);
      expect(received.headers).toMatchObject({
        'content-type': 'application/json',
        'user-agent': expect.stringMatching(/^Runledger\//),
      });
    }
    const log = await settled(webhook, 3);
    expect(log.map(({ id }) => id)).toEqual(
      receiver.received.map(({ headers }) => headers['webhook-id']).reverse(),
    );
  });

  it('is fed by a projection that tells how far it has come', async () => {
    const projections = dataOf(await operator.get('/projections'));
    expect(projections).toContainEqual(expect.objectContaining({ name: 'webhooks', version: 1 }));
  });

  it('gets only what its patterns and its filter name', async () => {
    const receiver = await receiving();
    await made(receiver, { event_pattern: ['run.completed', 'run.failed'], filter: { source: 'cron' } });
    const session = await ann.made('/sessions');
    for (const source of ['other', 'cron']) {
      const run = await ann.made(`/sessions/${session.id}/runs`, { source });
      await ann.patch(`/runs/${run.id}`, { status: 'running' });
      await ann.patch(`/runs/${run.id}`, { status: 'completed' });
    }
    const ping = await made(receiver);
    await operator.post(`${pathOf(ping)}/ping`);
    await receiver.count(2);
    expect(typesOf(receiver.received).sort()).toEqual(['run.completed', 'webhook.ping']);
    const completed = receiver.received.find(({ event }) => event['type'] === 'run.completed');
    expect(completed?.event).toMatchObject({ session_id: session.id });
  });

  it('gets nothing of another project', async () => {
    const [mine, theirs] = [await receiving(), await receiving()];
    const other = await newProject(server);
    await made(mine);
    await made(theirs, {}, await other.caller('admin'));
    await (await other.caller('user')).made('/sessions');
    await theirs.count(1);
    await ann.made('/runs');
    await mine.count(1);
    expect([typesOf(mine.received), typesOf(theirs.received)]).toEqual([
      ['run.created'],
      ['session.created'],
    ]);
  });

  it('gets nothing while it is disabled, and what happens after it is enabled again', async () => {
    const receiver = await receiving();
    const webhook = await made(receiver, { enabled: false });
    expect(codes([await operator.post(`${pathOf(webhook)}/ping`)])).toEqual([[409, 'webhook_disabled']]);
    await ann.made('/sessions');
    await operator.patch(pathOf(webhook), { enabled: true });
    await ann.made('/runs');
    await receiver.count(1);
    expect(typesOf(receiver.received)).toEqual(['run.created']);
  });

  it('is disabled by 410 Gone', async () => {
    const receiver = await receiving((response) => response.writeHead(410).end('no more'));
    const webhook = await made(receiver);
    await ann.made('/sessions');
    let state: Body = {};
    await until(async () => (state = (await operator.get(pathOf(webhook))).body)['enabled'] === false);
    expect(state).toMatchObject({ disabled_reason: 'the destination answered 410 Gone', revision: 2 });
    const [delivery] = await settled(webhook, 1);
    expect(delivery).toMatchObject({ status: 'failed', attempt_count: 1, next_attempt_at: null });
    await operator.patch(pathOf(webhook), { enabled: true });
    expect((await operator.get(pathOf(webhook))).body).toMatchObject({
      enabled: true,
      disabled_reason: null,
    });
  });
});

describe('a delivery', () => {
  it('that failed is tried again, under the same Webhook-Id', async () => {
    let calls = 0;
    const receiver = await receiving((response) => {
      response.writeHead(++calls === 1 ? 503 : 204, { location: 'http://127.0.0.1:1' }).end();
    });
    const webhook = await made(receiver);
    await ann.made('/sessions');
    const [one, two] = await receiver.count(2);
    expect(two?.headers['webhook-id']).toBe(one?.headers['webhook-id']);
    expect(two?.body).toBe(one?.body);
    const [delivery] = await settled(webhook, 1);
    expect(delivery).toMatchObject({ status: 'succeeded', attempt_count: 2, error: null });
  });

  it('is shown with its attempts and the event, and can be asked for again', async () => {
    const receiver = await receiving((response) => response.end('y'.repeat(5_000)));
    const webhook = await made(receiver);
    await ann.made('/sessions');
    const [{ id }] = (await settled(webhook, 1)) as [Body];
    const path = `${pathOf(webhook)}/deliveries/${String(id)}`;
    expect((await operator.get(path)).body).toMatchObject({
      event_type: 'session.created',
      attempts: [{ status_code: 200, error: null, response_body: 'y'.repeat(1_024) }],
      event: receiver.received[0]?.event,
    });
    const again = await operator.post(`${path}/redeliver`);
    expect(again).toMatchObject({ status: 202, body: { id, status: 'pending' } });
    expect(again.headers.get('location')).toBe(`/v1${path}`);
    const [first, second] = await receiver.count(2);
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    await settled(webhook, 1);
    expect((await operator.get(path)).body).toMatchObject({ status: 'succeeded', attempt_count: 2 });
  });

  it('follows no redirect', async () => {
    const target = await receiving();
    const receiver = await receiving((response) => response.writeHead(307, { location: target.url }).end());
    const webhook = await made(receiver);
    await operator.post(`${pathOf(webhook)}/ping`);
    await until(async () => {
      const [delivery] = dataOf(await operator.get(`${pathOf(webhook)}/deliveries?status=pending`));
      return delivery?.['error'] === 'the destination answered 307';
    });
    expect(target.received).toEqual([]);
  });

  it('is listed by status, page by page, newest first', async () => {
    const receiver = await receiving();
    const webhook = await made(receiver);
    for (let n = 0; n < 5; n++) await operator.post(`${pathOf(webhook)}/ping`);
    const ids = (await settled(webhook, 5)).map(({ id }) => id);
    expect(await operator.allIds(`${pathOf(webhook)}/deliveries?status=succeeded,failed`, 2)).toEqual(ids);
    expect(await operator.allIds(`${pathOf(webhook)}/deliveries?status=failed`)).toEqual([]);
    expect(await operator.allIds(`${pathOf(webhook)}/deliveries?order=asc`)).toEqual([...ids].reverse());
  });

  it('to a target that hangs does not delay another', async () => {
    const dead = await receiving(() => undefined);
    const alive = await receiving();
    const [stuck, webhook] = [await made(dead), await made(alive)];
    for (let n = 0; n < 40; n++) await ann.made('/sessions');
    await alive.count(40);
    expect(await settled(webhook, 20)).toEqual(
      Array.from({ length: 20 }, () => expect.objectContaining({ status: 'succeeded', attempt_count: 1 })),
    );
    const waiting = dataOf(await operator.get(`${pathOf(stuck)}/deliveries?status=pending&limit=100`));
    expect(waiting).toHaveLength(40);
    expect(dead.mostAtOnce).toBeLessThanOrEqual(4);
  });
});

describe('the secret', () => {
  const whole = (reply: Reply) => JSON.stringify([reply.body, ...reply.headers]);

  it('is answered once, at creation, and never again', async () => {
    const receiver = await receiving();
    const headers = { 'idempotency-key': randomUUID() };
    const body = { url: receiver.url, event_pattern: '*' };
    const first = await operator.post('/webhooks', body, headers);
    const secret = String(first.body['secret']);
    expect(secret).toMatch(/^whsec_/);
    const again = await operator.post('/webhooks', body, headers);
    expect([again.status, again.body['id'], again.body['secret']]).toEqual([
      201,
      first.body['id'],
      undefined,
    ]);
    const path = `/webhooks/${String(first.body['id'])}`;
    const replies = [
      again,
      await operator.get(path),
      await operator.get('/webhooks'),
      await operator.patch(path, { description: 'mine' }),
      await operator.post(`${path}/ping`),
      await operator.get(`${path}/deliveries`),
    ];
    for (const reply of replies) expect(whole(reply)).not.toContain(secret.slice(6, -4));
    expect(server.output()).not.toContain(secret.slice(6, -4));
  });

  it('may be the caller’s own, and is then shown by no answer', async () => {
    const receiver = await receiving();
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const webhook = await made(receiver, { secret });
    expect(webhook).toMatchObject({ secret_hint: `...${secret.slice(-4)}` });
    expect(webhook).not.toHaveProperty('secret');
    await operator.post(`${pathOf(webhook)}/ping`);
    const [received] = await receiver.count(1);
    expect(received && isSigned(received, secret)).toBe(true);
  });

  it('that is rotated signs beside the new one', async () => {
    const receiver = await receiving();
    const webhook = await made(receiver);
    const rotated = await operator.post(`${pathOf(webhook)}/rotate-secret`);
    expect(rotated).toMatchObject({ status: 200, body: { revision: 2, secret: expect.any(String) } });
    await operator.post(`${pathOf(webhook)}/ping`);
    const [received] = await receiver.count(1);
    for (const secret of [rotated.body['secret'], webhook['secret']]) {
      expect(received && isSigned(received, secret)).toBe(true);
    }
    expect(rotated.body['secret']).not.toBe(webhook['secret']);
  });
});

describe('who may', () => {
  it('is operators and admins; auditors read', async () => {
    const webhook = await made(await receiving());
    const { id } = (await operator.post(`${pathOf(webhook)}/ping`)).body;
    const deliveries = `${pathOf(webhook)}/deliveries`;
    const reads = ['/webhooks', pathOf(webhook), deliveries, `${deliveries}/${String(id)}`];
    for (const role of ['viewer', 'user', 'worker', 'auditor', 'operator', 'admin'] as const) {
      const caller = await project.caller(role);
      const read = await Promise.all(reads.map((path) => caller.get(path)));
      const seen = ['auditor', 'operator', 'admin'].includes(role) ? 200 : 403;
      expect([role, read.map(({ status }) => status)]).toEqual([role, reads.map(() => seen)]);
      if (role === 'operator' || role === 'admin') continue;
      const replies = [
        await caller.post('/webhooks', { url: 'https://example.com', event_pattern: '*' }),
        await caller.post(`${pathOf(webhook)}/ping`),
        await caller.post(`${pathOf(webhook)}/rotate-secret`),
        await caller.post(`${deliveries}/${String(id)}/redeliver`),
        await caller.patch(pathOf(webhook), { enabled: false }),
        await caller.delete(pathOf(webhook)),
      ];
      expect(codes(replies)).toEqual(replies.map(() => [403, 'forbidden']));
    }
  });

  it('finds no webhook of another project', async () => {
    const webhook = await made(await receiving());
    const delivery = (await operator.post(`${pathOf(webhook)}/ping`)).body['id'];
    const stranger = await (await newProject(server)).caller('admin');
    const replies = [
      await stranger.get(pathOf(webhook)),
      await stranger.patch(pathOf(webhook), { enabled: false }),
      await stranger.delete(pathOf(webhook)),
      await stranger.post(`${pathOf(webhook)}/ping`),
      await stranger.post(`${pathOf(webhook)}/rotate-secret`),
      await stranger.get(`${pathOf(webhook)}/deliveries`),
      await stranger.get(`${pathOf(webhook)}/deliveries/${String(delivery)}`),
      await stranger.post(`${pathOf(webhook)}/deliveries/${String(delivery)}/redeliver`),
    ];
    expect(codes(replies)).toEqual(replies.map(() => [404, 'not_found']));
    expect(await stranger.ids('/webhooks')).toEqual([]);
  });
});

describe('a request', () => {
  const pointers = (reply: Reply) => (reply.body['errors'] as { pointer: string }[]).map((e) => e.pointer);

  it.each<[string, Body]>([
    ['/url', { url: undefined }],
    ['/url', { url: 'ftp://example.com' }],
    ['/url', { url: 'https://user:password@example.com' }],
    ['/event_pattern', { event_pattern: undefined }],
    ['/event_pattern', { event_pattern: 'run.exploded' }],
    ['/event_pattern', { event_pattern: [] }],
    ['/filter', { filter: 'all' }],
    ['/filter/session_id', { filter: { session_id: 'x' } }],
    ['/filter/kind', { filter: { kind: 'x' } }],
    ['/filter/status', { filter: { status: 'x' } }],
    ['/filter/colour', { filter: { colour: 'red' } }],
    ['/enabled', { enabled: 'yes' }],
    ['/description', { description: 'x'.repeat(1_001) }],
    ['/secret', { secret: 'whsec_short' }],
    ['/project_id', { project_id: 'default' }],
  ])('with a fault at %s is refused: %j', async (pointer, body) => {
    const reply = await operator.post('/webhooks', {
      url: 'https://example.com',
      event_pattern: '*',
      ...body,
    });
    expect([reply.status, reply.body['code'], pointers(reply)]).toEqual([
      400,
      'validation_failed',
      [pointer],
    ]);
  });

  it('cannot change the secret, nor what another revision holds', async () => {
    const webhook = await made(await receiving());
    const replies = [
      await operator.patch(pathOf(webhook), { secret: webhook['secret'] }),
      await operator.patch(pathOf(webhook), { enabled: false }, { 'if-match': '"7"' }),
      await operator.delete(pathOf(webhook), { 'if-match': '"7"' }),
      await operator.post(`${pathOf(webhook)}/rotate-secret`, {}, { 'if-match': '"7"' }),
    ];
    expect(replies.map(({ status }) => status)).toEqual([400, 412, 412, 412]);
    const changed = await operator.patch(
      pathOf(webhook),
      { description: 'CI', filter: { kind: 'job' }, event_pattern: 'run.*, x.*' },
      { 'if-match': '"1"' },
    );
    expect(changed.body).toMatchObject({
      description: 'CI',
      filter: { kind: 'job' },
      event_pattern: 'run.*,x.*',
      revision: 2,
    });
    expect(changed.headers.get('etag')).toMatch(/^"2\./);
    const cleared = await operator.patch(pathOf(webhook), { description: null, filter: null });
    expect(cleared.body).toMatchObject({ description: null, filter: null, revision: 3 });
    expect(dataOf(await operator.get('/webhooks'))).toEqual([cleared.body]);
  });

  it('to delete it leaves nothing of it', async () => {
    const webhook = await made(await receiving());
    await operator.post(`${pathOf(webhook)}/ping`);
    expect((await operator.delete(pathOf(webhook))).status).toBe(204);
    const replies = [
      await operator.get(pathOf(webhook)),
      await operator.get(`${pathOf(webhook)}/deliveries`),
      await operator.delete(pathOf(webhook)),
    ];
    expect(codes(replies)).toEqual(replies.map(() => [404, 'not_found']));
    expect(await operator.ids('/webhooks')).toEqual([]);
  });
});

describe('without WEBHOOKS_ALLOW_PRIVATE, and with a sender that was not there', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'runledger-webhooks-'));
  afterAll(() => {
    rmSync(dataDir, { recursive: true, force: true });
  });

  it('what was due is sent after the restart, but to no private address', async () => {
    const receiver = await receiving();
    const { port } = new URL(receiver.url);
    const before = await startServer({ ...settings, DATA_DIR: dataDir, ROLES: 'api,projector' });
    const api = new Api(before.url, before.key);
    const webhook = await made(receiver, {}, api);
    await api.made('/sessions');
    await until(async () => (await api.ids(`${pathOf(webhook)}/deliveries`)).length === 1);
    await before.kill();
    expect(receiver.received).toEqual([]);

    const after = await startServer({ ...settings, DATA_DIR: dataDir });
    await receiver.count(1);
    expect(isSigned(receiver.received[0] as Received, webhook['secret'])).toBe(true);
    const later = new Api(after.url, after.key);
    await later.patch(pathOf(webhook), { url: `http://localhost:${port}/` });
    await after.stop();

    const strict = await startServer({ DATA_DIR: dataDir });
    const last = new Api(strict.url, strict.key);
    for (const url of [receiver.url, 'http://[::1]/', 'http://169.254.169.254/', 'https://localhost']) {
      const refused = await last.post('/webhooks', { url, event_pattern: '*' });
      expect(refused.body).toMatchObject({ code: 'validation_failed', errors: [{ pointer: '/url' }] });
      expect((await last.patch(pathOf(webhook), { url })).status).toBe(400);
    }
    const ping = (await last.post(`${pathOf(webhook)}/ping`)).body;
    await until(async () => {
      const { body } = await last.get(`${pathOf(webhook)}/deliveries/${String(ping['id'])}`);
      return String(body['error']).includes('WEBHOOKS_ALLOW_PRIVATE');
    });
    expect(receiver.received).toHaveLength(1);
    await strict.stop();
  });
});
