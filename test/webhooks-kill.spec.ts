import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Api } from './support/api.js';
import { inTurns } from './support/ledger-load.js';
import { Receiver } from './support/receiver.js';
import { SupervisedService, until, type Victim } from './support/supervised-service.js';

const rounds = Number(process.env['KILL_ROUNDS'] ?? 2);
const victims: readonly Victim[] = ['postgres', 'server', 'both'];
const sessions = 100;

let service: SupervisedService;
let receiver: Receiver;
/** Answers that are kept back; undefined while everything is answered at once. */
let held: ServerResponse[] | undefined;

beforeAll(async () => {
  receiver = await Receiver.start((response) => {
    if (held === undefined) response.end();
    else held.push(response);
  });
  service = new SupervisedService({ WEBHOOKS_ALLOW_PRIVATE: 'true' });
  await service.ready();
});

afterAll(async () => {
  await service.stop();
  await receiver.stop();
});

test.each(Array.from({ length: rounds }, (_, n) => n))(
  'a kill -9 in the midst of deliveries loses none and makes none of them two: round %i',
  async (round) => {
    const api = new Api(service.url, service.key);
    const { id: webhook } = await api.made('/webhooks', {
      url: receiver.url,
      event_pattern: 'session.created',
    });
    held = [];
    const made: string[] = [];
    await inTurns(Array.from({ length: sessions }), async () => {
      made.push((await api.made('/sessions')).id);
    });
    const some = held;
    await until(() => some.length > 0);
    await service.killAndRecover(victims[round % victims.length] ?? 'both');
    held = undefined;
    for (const response of some) response.end();

    const recovered = new Api(service.url, service.key);
    const [path, pending] = [`/webhooks/${webhook}`, '?status=pending'];
    const mine = (): readonly { session: string; delivery: string }[] =>
      receiver.received
        .map(({ event, headers }) => ({
          session: String(event['session_id']),
          delivery: String(headers['webhook-id']),
        }))
        .filter(({ session }) => made.includes(session));
    await until(() => new Set(mine().map(({ session }) => session)).size === sessions);
    await until(async () => (await recovered.ids(`${path}/deliveries${pending}`)).length === 0);
    expect(await recovered.allIds(`${path}/deliveries`)).toHaveLength(sessions);
    const ids = new Map(mine().map(({ session, delivery }) => [session, delivery]));
    for (const { session, delivery } of mine()) expect(delivery).toBe(ids.get(session));
    expect(new Set(ids.values()).size).toBe(sessions);
    await recovered.delete(path);
  },
);
