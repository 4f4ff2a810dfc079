import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Api, type Body, dataOf, type Reply } from './support/api.js';
import { SupervisedService, until, type Victim } from './support/supervised-service.js';

const rounds = Number(process.env['BUDGET_KILLS'] ?? 3);
const victims: readonly Victim[] = ['server', 'postgres', 'both'];
const sessionsAtOnce = 8;

describe(`after ${rounds} times kill -9 of the server, of Postgres, of both, while budgets are used up and sessions resumed`, () => {
  let service: SupervisedService;
  /** Sessions with two runs that were to use up the budget together, one of which was resumed since. */
  const sessions: string[] = [];
  const resumed: string[] = [];

  const api = (): Api => new Api(service.url, service.key);
  /** Asks again until it is answered, as a client does whose server has died. */
  const insist = async (ask: () => Promise<{ status: number }>): Promise<void> => {
    await until(() =>
      ask()
        .then(({ status }) => status < 300)
        .catch(() => false),
    );
  };
  const statusOf = async (id: string): Promise<unknown> =>
    (await api().get(`/sessions/${id}`)).body['status'];

  const use = (run: string): Promise<Reply> => api().patch(`/runs/${run}`, { usage: { input_tokens: 50 } });
  const resume = (id: string): Promise<Reply> => api().post(`/sessions/${id}/resume`);
  const budgeted = async (): Promise<{ session: string; runs: string[] }> => {
    const { id: session } = await api().made('/sessions', { budget: { max_tokens: 100 } });
    const work = { on_active_run: 'allow' };
    const runs = [1, 2].map(async () => (await api().made(`/sessions/${session}/runs`, work)).id);
    return { session, runs: await Promise.all(runs) };
  };

  beforeAll(
    async () => {
      service = new SupervisedService();
      await service.ready();
      for (let round = 0; round < rounds; round++) {
        const made = await Promise.all(Array.from({ length: sessionsAtOnce }, budgeted));
        const toResume = sessions.slice(-sessionsAtOnce);
        const runs = made.flatMap(({ runs }) => runs);
        let left = Math.floor(Math.random() * (runs.length + toResume.length));
        await new Promise<void>((resolve) => {
          const answered = (): void => {
            if (left-- === 0) resolve();
          };
          for (const run of runs) void use(run).then(answered, answered);
          for (const id of toResume) void resume(id).then(answered, answered);
        });
        await service.killAndRecover(victims[round % victims.length] ?? 'both');
        for (const run of runs) await insist(() => use(run));
        for (const id of toResume) await insist(() => resume(id));
        for (const { session } of made) await until(async () => (await statusOf(session)) === 'paused');
        resumed.push(...toResume);
        sessions.push(...made.map(({ session }) => session));
      }
    },
    300_000 + rounds * 60_000,
  );

  afterAll(async () => {
    await service.stop();
  });

  test('each session was paused once, by all that both of its runs had used', async () => {
    expect(sessions).toHaveLength(rounds * sessionsAtOnce);
    for (const id of sessions) {
      const updates = dataOf(await api().get(`/sessions/${id}/events?types=session.updated`));
      const told = updates.map(({ data }) => data as Body);
      const budget = { max_tokens: 100, max_cost_usd: null, used_tokens: 100, used_cost_usd: 0 };
      const wanted = [{ paused: true, reason: 'max_tokens', budget }];
      if (resumed.includes(id))
        expect(told).toEqual([...wanted, { paused: false, reason: 'requested', budget }]);
      else expect(told).toEqual(wanted);
    }
  });

  test('one that was resumed stays so, and takes runs; all others refuse them', async () => {
    for (const id of sessions) {
      const reply = await api().post(`/sessions/${id}/runs`, { on_active_run: 'allow' });
      expect([id, reply.status]).toEqual([id, resumed.includes(id) ? 201 : 409]);
      const { budget } = (await api().get(`/sessions/${id}`)).body as { budget: Body };
      expect(budget['used_tokens']).toBe(resumed.includes(id) ? 0 : 100);
    }
  });
});
