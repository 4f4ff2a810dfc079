import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Causation, servicePrincipal, Streams, uuidv7 } from '#eventsourcing';
import {
  Database,
  IdleCheckpoints,
  Projector,
  ReadModelClock,
  RecentWrites,
  SharedReading,
} from '#read-models';
import { changeRun, createRun, type RunBirth, runDecider, type RunState, runStream } from '#runs';
import { WebhookPolicy, WebhookSender } from '#webhooks';
import { migrations } from '../apps/server/src/core.module.js';
import { type Backoff, backoff } from '../libs/webhooks/src/backoff.js';
import { Deliveries } from '../libs/webhooks/src/deliveries.js';
import { type Attempt, type Claimed, DeliveryQueue } from '../libs/webhooks/src/delivery-queue.js';
import { horizonOf, moveHorizon } from '../libs/webhooks/src/outbox.js';
import { Poster } from '../libs/webhooks/src/poster.js';
import { mintSecret } from '../libs/webhooks/src/signature.js';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  webhookDecider,
  type WebhookState,
} from '../libs/webhooks/src/webhook.decider.js';
import { type WebhookBirth, webhookStream } from '../libs/webhooks/src/webhook.events.js';
import { WebhookTargets } from '../libs/webhooks/src/webhook-targets.js';
import { type Database as Fresh, freshDatabase } from './support/database.js';
import { MemoryEventStore } from './support/memory-event-store.js';
import { type Answers, Receiver } from './support/receiver.js';
import { until } from './support/supervised-service.js';

const log = { info: () => undefined, error: () => undefined };
const room = { total: 100, each: 100, eachFailing: 100, busy: new Map<string, number>() };
const asService = () => new Causation(servicePrincipal('acme'));

let fresh: Fresh;
let database: Database;
let clock: ReadModelClock;
let store: MemoryEventStore;
let streams: Streams;
let queue: DeliveryQueue;
let targets: WebhookTargets;
let projector: Projector;
/** What ends with the test, the newest first. */
let open: { stop(): Promise<void> }[];

beforeEach(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, migrations);
  clock = new ReadModelClock(database);
  store = new MemoryEventStore();
  streams = new Streams(store);
  [queue, targets] = [new DeliveryQueue(database), new WebhookTargets(database)];
  open = [];
  projector = projecting(new WebhookPolicy(streams));
});
afterEach(async () => {
  for (const one of open.reverse()) await one.stop();
  await clock.close();
  await database.close();
  await fresh.drop();
});

function projecting(policy: WebhookPolicy): Projector {
  const reading = new SharedReading(store);
  const idle = new IdleCheckpoints(database);
  const started = new Projector(policy, { reading, idle, clock, log, url: fresh.url });
  started.start();
  open.push(started);
  return started;
}

function sending(schedule: Backoff = backoff): WebhookSender {
  const poster = new Poster(true);
  const sender = new WebhookSender({ queue, targets, streams, poster, backoff: schedule, log });
  sender.start();
  open.push(sender);
  return sender;
}

async function receiving(answers?: Answers): Promise<Receiver> {
  const receiver = await Receiver.start(answers);
  open.push(receiver);
  return receiver;
}

async function webhook(url: string, body: Partial<WebhookBirth> = {}): Promise<string> {
  const id = uuidv7();
  const birth = { webhook_id: id, project_id: 'acme', url, event_patterns: ['*'], enabled: true, ...body };
  await targets.setSecret(id, mintSecret(), randomUUID());
  await streams.execute(webhookDecider, webhookStream(id), asService(), (state) =>
    createWebhook(state, { ...birth, secret_hint: '...' }),
  );
  return id;
}

async function run(body: Partial<RunBirth> = {}): Promise<string> {
  const id = uuidv7();
  const birth = { run_id: id, root_run_id: id, project_id: 'acme', user_id: id, task_id: id, kind: 'job' };
  await streams.execute(runDecider, runStream(id), asService(), (state) =>
    createRun(state, { ...birth, metadata: {}, max_attempts: 1, ...body } as RunBirth),
  );
  return id;
}

const runs = async (count: number): Promise<void> => {
  for (let n = 0; n < count; n++) await run();
};

/** Waits until the policy has seen all events. */
const seen = async (): Promise<void> => {
  expect(await clock.reached('webhooks', await store.head(), 120_000)).toBe(true);
};

interface Row {
  readonly webhook_id: string;
  readonly event_type: string;
  readonly status: string;
  readonly attempts: readonly Attempt[];
  readonly attempt_count: number;
  readonly tries: number;
  readonly error: string | null;
  readonly leased_until: Date | null;
  readonly body: string;
}
const rows = () =>
  database.query<Row>('SELECT * FROM runledger.webhook_deliveries ORDER BY position, webhook_id');

const settled = () => until(async () => (await rows()).every(({ status }) => status !== 'pending'));

/** Has the next version of the policy build its rows anew. */
async function rebuilding(): Promise<void> {
  await projector.stop();
  class Next extends WebhookPolicy {
    override readonly version = 2 as never;
  }
  projecting(new Next(streams));
}

describe('the policy', () => {
  test('makes one delivery of an event for each webhook, however often its rows are built', async () => {
    await run();
    const ids = [await webhook('http://a.example'), await webhook('http://b.example')];
    await runs(3);
    await seen();
    const before = await rows();
    expect(before.map(({ webhook_id }) => webhook_id)).toEqual([...ids, ...ids, ...ids]);
    await database.query('DELETE FROM runledger.webhook_deliveries WHERE position < 5');
    await rebuilding();
    await run();
    await seen();
    expect((await rows()).length).toBe(6);
    const [state] = await database.query<{ version: number; count: number }>(
      'SELECT (SELECT version FROM runledger.projections), (SELECT count(*)::integer FROM webhooks.webhooks)',
    );
    expect(state).toEqual({ version: 2, count: 2 });
  });

  test('looks up the session, source and kind that an event does not tell', async () => {
    const session_id = uuidv7();
    await webhook('http://a.example', { filter: { session_id }, event_patterns: ['run.updated'] });
    await webhook('http://b.example', { filter: { source: 'ci', kind: 'job' } });
    await webhook('http://c.example', { filter: { source: 'other' } });
    const id = await run({ session_id, source: 'ci' });
    await streams.execute(runDecider, runStream(id), asService(), (state) =>
      changeRun(state as RunState, { metadata: { k: 1 } }),
    );
    await run();
    await seen();
    const told = (await rows()).map(({ event_type, body }) => [
      event_type,
      (JSON.parse(body) as { session_id?: string }).session_id,
    ]);
    expect(told).toEqual([
      ['run.created', session_id],
      ['run.updated', session_id],
      ['run.updated', session_id],
    ]);
  });

  test('never goes back behind what has become deliveries, for those may be swept by now', async () => {
    for (const position of [7n, 3n]) await moveHorizon(database, position);
    expect(await horizonOf(database)).toBe(7n);
  });

  test('ends what is pending when a webhook is disabled, and forgets everything when it is deleted', async () => {
    const id = await webhook('http://a.example');
    await run();
    await streams.execute(webhookDecider, webhookStream(id), asService(), (state) =>
      changeWebhook(state, { enabled: false }),
    );
    await run();
    await seen();
    expect(await rows()).toMatchObject([{ status: 'failed', error: 'the webhook was disabled' }]);
    await streams.execute(webhookDecider, webhookStream(id), asService(), (state) => deleteWebhook(state));
    await seen();
    const left = await database.query(
      `SELECT webhook_id FROM runledger.webhook_deliveries UNION SELECT webhook_id FROM runledger.webhook_targets
       UNION SELECT id FROM webhooks.webhooks`,
    );
    expect(left).toEqual([]);
  });

  test('keeps what is pending when a webhook is changed otherwise, and when its rows are built again', async () => {
    const id = await webhook('http://a.example');
    const change = (fields: Parameters<typeof changeWebhook>[1]) =>
      streams.execute(webhookDecider, webhookStream(id), asService(), (state) =>
        changeWebhook(state, fields),
      );
    await change({ enabled: false });
    await change({ enabled: true });
    await run();
    await change({ description: 'still enabled' });
    await seen();
    expect(await rows()).toMatchObject([{ status: 'pending', error: null }]);
    await rebuilding();
    await run();
    await seen();
    expect((await rows()).map(({ status }) => status)).toEqual(['pending', 'pending']);
  });

  test('ends what was pending before the batch that disables its webhook, and nothing of another one', async () => {
    const id = await webhook('http://a.example');
    await webhook('http://b.example');
    await run();
    await seen();
    await projector.stop();
    await run();
    await streams.execute(webhookDecider, webhookStream(id), asService(), (state) =>
      changeWebhook(state, { enabled: false }),
    );
    projecting(new WebhookPolicy(streams));
    await seen();
    const ofIt = (await rows()).filter(({ webhook_id }) => webhook_id === id);
    expect(ofIt.map(({ status }) => status)).toEqual(['failed', 'failed']);
    expect((await rows()).filter(({ status }) => status === 'pending')).toHaveLength(2);
  });

  test('keeps projects apart, and what comes after a webhook was disabled, in one batch too', async () => {
    await projector.stop();
    const ofOther = await webhook('http://b.example', { project_id: 'other' });
    const id = await webhook('http://a.example');
    await run();
    await streams.execute(webhookDecider, webhookStream(id), asService(), (state) =>
      changeWebhook(state, { enabled: false }),
    );
    const other = new Causation(servicePrincipal('other'));
    await streams.execute(webhookDecider, webhookStream(ofOther), other, (state) =>
      changeWebhook(state, { description: 'of the other project' }),
    );
    projecting(new WebhookPolicy(streams));
    await seen();
    expect(await rows()).toMatchObject([
      { webhook_id: id, status: 'failed', error: 'the webhook was disabled' },
    ]);
  });
});

describe('the sender', () => {
  test('gives a delivery up after its last attempt', async () => {
    const receiver = await receiving((response) => response.writeHead(500).end());
    await webhook(receiver.url);
    await run();
    await seen();
    sending((attempt) => (attempt === 3 ? undefined : 1));
    await settled();
    expect(receiver.received).toHaveLength(3);
    expect(await rows()).toMatchObject([
      { status: 'failed', attempt_count: 3, error: 'the destination answered 500' },
    ]);
  });

  test.each([200, 500])(
    'sends once more what was asked for again before it was answered %i',
    async (status) => {
      const answer: (() => void)[] = [];
      const receiver = await receiving((response) => {
        answer.push(() => response.writeHead(status).end());
        if (receiver.received.length > 1) response.end();
      });
      const id = await webhook(receiver.url);
      await run();
      await seen();
      sending(() => undefined);
      await receiver.count(1);
      const [delivery] = await database.query<{ id: string }>('SELECT id FROM runledger.webhook_deliveries');
      const deliveries = new Deliveries(database, clock, new RecentWrites(clock));
      const { state } = await streams.load(webhookDecider, webhookStream(id));
      await deliveries.redeliver(state as WebhookState, delivery?.id ?? '');
      answer[0]?.();
      await receiver.count(2);
      await settled();
      await until(async () => (await rows())[0]?.attempt_count === 2);
      expect(await rows()).toMatchObject([{ status: 'succeeded', error: null }]);
    },
  );

  test('says why nobody could be reached', async () => {
    const { port } = new URL((await receiving()).url);
    await open.pop()?.stop();
    await webhook(`http://localhost:${port}/`);
    await webhook('http://nobody.invalid/');
    await run();
    await seen();
    sending(() => undefined);
    await settled();
    const errors = (await rows()).map(({ error }) => error);
    expect(errors).toEqual([expect.stringMatching(/ECONNREFUSED/), expect.stringMatching(/nobody\.invalid/)]);
  });

  test('takes over what a sender that was killed had claimed, once its lease is over', async () => {
    const receiver = await receiving();
    await webhook(receiver.url);
    await run();
    await seen();
    expect(await queue.claim(room)).toHaveLength(1);
    expect(await queue.claim(room)).toEqual([]);
    await database.query("UPDATE runledger.webhook_deliveries SET leased_until = now() - interval '1 s'");
    sending();
    await settled();
    expect(receiver.received).toHaveLength(1);
  });

  test('shares the work with others: each delivery is sent once', async () => {
    const receiver = await receiving();
    await webhook(receiver.url);
    await runs(50);
    await seen();
    for (let n = 0; n < 3; n++) sending();
    await settled();
    expect(new Set(receiver.received.map(({ event }) => event['run_id'])).size).toBe(50);
    expect(receiver.received).toHaveLength(50);
  });

  test('that stops gives back what was under way', async () => {
    const receiver = await receiving(() => undefined);
    await webhook(receiver.url);
    await run();
    await seen();
    const sender = sending();
    await receiver.count(1);
    await sender.stop();
    expect(await rows()).toMatchObject([{ status: 'pending', attempt_count: 0, leased_until: null }]);
  });

  test('sends to a destination that hangs four at a time, one when it has failed, and to others meanwhile', async () => {
    const [hanging, failing, alive] = [
      await receiving(() => undefined),
      await receiving(() => undefined),
      await receiving(),
    ];
    await webhook(hanging.url);
    const failed = await webhook(failing.url);
    await targets.failed(failed);
    await webhook(alive.url);
    await runs(30);
    await seen();
    sending();
    await alive.count(30);
    await hanging.count(4);
    await failing.count(1);
    expect([hanging.mostAtOnce, failing.mostAtOnce]).toEqual([4, 1]);
  });

  test.each([
    [6, 19, false],
    [6, 18, true],
    [4, 99, true],
  ])(
    'gives a destination up behind five days and twenty failures: with %i days, at %i failures and one, enabled is %j',
    async (days, failures, enabled) => {
      const receiver = await receiving((response) => response.writeHead(500).end());
      const id = await webhook(receiver.url);
      await run();
      await seen();
      await database.query(
        'UPDATE runledger.webhook_targets SET failing_since = now() - make_interval(days => $1), failures = $2',
        [days, failures],
      );
      const sender = sending();
      await until(async () => (await rows())[0]?.attempt_count === 1);
      await sender.stop();
      const { state } = await streams.load(webhookDecider, webhookStream(id));
      const reason = enabled ? null : 'no attempt has succeeded for 5 days';
      expect(state).toMatchObject({ enabled, disabled_reason: reason });
      await seen();
      const error = enabled ? 'the destination answered 500' : 'the webhook was disabled';
      expect(await rows()).toMatchObject([{ attempt_count: 1, error }]);
    },
  );

  test('reaches no private address by any name, unless it may', async () => {
    const receiver = await receiving();
    const { port } = new URL(receiver.url);
    const poster = new Poster(false);
    const { signal } = new AbortController();
    for (const host of ['127.0.0.1', 'localhost', '[::ffff:127.0.0.1]', '0.0.0.0']) {
      await expect(poster.post(`http://${host}:${port}/`, '{}', {}, signal)).rejects.toThrow('not public');
    }
    expect(receiver.received).toEqual([]);
    expect(await new Poster(true).post(receiver.url, '{}', {}, signal)).toEqual({ status: 200, body: '' });
  });
});

describe('the queue', () => {
  const attempt = (error: string | null, at = '2026-01-01T00:00:00.000Z'): Attempt => ({
    ...{ at, error, status_code: error === null ? 200 : 500, duration_ms: 1, response_body: null },
  });
  /** Takes the one delivery there is, of a webhook of its own. */
  async function claimed(): Promise<Claimed> {
    await webhook('http://a.example');
    await run();
    await seen();
    return again();
  }
  async function again(): Promise<Claimed> {
    const [delivery] = await queue.claim(room);
    return delivery as Claimed;
  }

  test.each([
    [{ retryMs: 0 }, 'failed'],
    ['failed', 'failed'],
    ['succeeded', 'succeeded'],
  ] as const)(
    'a delivery that was ended while it was under way, and ends in %j, has %s',
    async (then, status) => {
      const delivery = await claimed();
      await streams.execute(webhookDecider, webhookStream(delivery.webhook_id), asService(), (state) =>
        changeWebhook(state, { enabled: false }),
      );
      await seen();
      await queue.settle(delivery, attempt(then === 'succeeded' ? null : 'refused'), then);
      expect(await rows()).toMatchObject([{ status, attempt_count: 1, leased_until: null }]);
      expect(await queue.claim(room)).toEqual([]);
    },
  );

  test('a delivery that got through stays so when its webhook is disabled', async () => {
    const delivery = await claimed();
    await queue.settle(delivery, attempt(null), 'succeeded');
    await streams.execute(webhookDecider, webhookStream(delivery.webhook_id), asService(), (state) =>
      changeWebhook(state, { enabled: false }),
    );
    await seen();
    expect(await rows()).toMatchObject([{ status: 'succeeded', error: null }]);
  });

  test('of a delivery that is another’s by now, nothing is given back and nothing follows', async () => {
    const first = await claimed();
    await database.query("UPDATE runledger.webhook_deliveries SET leased_until = now() - interval '1 s'");
    const second = await again();
    await queue.release(first);
    await queue.settle(first, attempt('refused'), { retryMs: 3_600_000 });
    expect(await rows()).toMatchObject([{ status: 'pending', attempt_count: 1, tries: 0, error: null }]);
    expect(await queue.claim(room)).toEqual([]);
    await queue.release(second);
    expect((await again()).id).toBe(first.id);
  });

  test('all attempts are counted, and the newest 20 kept', async () => {
    const times = Array.from({ length: 22 }, (_, n) => new Date(n).toISOString());
    await queue.settle(await claimed(), attempt('refused', times[0]), { retryMs: 0 });
    for (const at of times.slice(1))
      await queue.settle(await again(), attempt('refused', at), { retryMs: 0 });
    const [row] = await rows();
    expect([row?.attempt_count, row?.tries]).toEqual([22, 22]);
    expect(row?.attempts.map(({ at }) => at)).toEqual(times.slice(2));
  });

  test('a secret that another has taken the place of signs beside it for a day', async () => {
    const { webhook_id, secrets } = await claimed();
    const command = randomUUID();
    for (const secret of ['new', 'newer']) {
      expect(await targets.setSecret(webhook_id, secret, command)).toBe('new');
    }
    await database.query('UPDATE runledger.webhook_deliveries SET leased_until = NULL');
    expect((await again()).secrets).toEqual(['new', ...secrets]);
    await database.query(
      `UPDATE runledger.webhook_targets SET previous_until = previous_until - interval '24 hours'`,
    );
    await database.query('UPDATE runledger.webhook_deliveries SET leased_until = NULL');
    expect((await again()).secrets).toEqual(['new']);
  });

  test('an attempt that gets through ends the count of those that did not', async () => {
    const id = await webhook('http://a.example');
    await targets.failed(id);
    await database.query("UPDATE runledger.webhook_targets SET failing_since = now() - interval '6 days'");
    expect(await targets.failed(id)).toEqual({ days: expect.closeTo(6), failures: 2 });
    await targets.answered(id);
    expect(await targets.failed(id)).toEqual({ days: 0, failures: 1 });
  });
});

test('the sweep removes what succeeded over 7 days ago and what failed over 30 days ago, and nothing pending', async () => {
  await webhook('http://a.example');
  await runs(5);
  await seen();
  await database.query(
    `UPDATE runledger.webhook_deliveries d SET status = s.status, ended_at = now() - make_interval(days => s.days)
     FROM (VALUES (2, 'succeeded', 8), (3, 'succeeded', 6), (4, 'failed', 31), (5, 'failed', 29), (6, 'pending', 99))
       AS s (position, status, days) WHERE d.position = s.position`,
  );
  await queue.sweep();
  expect((await rows()).map(({ status }) => status)).toEqual(['succeeded', 'failed', 'pending']);
  await database.query(
    `INSERT INTO runledger.webhook_deliveries (id, webhook_id, event_id, event_type, position, body, status, ended_at)
     SELECT gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'run.created', n, '', 'failed', '2026-01-01'
     FROM generate_series(1, 2500) n`,
  );
  await queue.sweep();
  expect(await rows()).toHaveLength(3);
});
