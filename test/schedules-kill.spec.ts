import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PostgresEventStore } from '#eventstore-postgres';
import { Api, type Body, dataOf } from './support/api.js';
import { secondsFrom } from './support/soon.js';
import { SupervisedService, until, type Victim } from './support/supervised-service.js';

const rounds = Number(process.env['SCHEDULE_KILLS'] ?? 3);
const victims: readonly Victim[] = ['server', 'both', 'postgres'];
const [sessions, schedulesOfEach] = [3, 3];

let service: SupervisedService;

beforeAll(async () => {
  service = new SupervisedService();
  await service.ready();
});

afterAll(async () => {
  await service.stop();
});

const api = (): Api => new Api(service.url, service.key);

/** Sends a request until it is answered, through restarts; sent twice, it does the same. */
async function sent(method: string, path: string): Promise<Body> {
  for (;;) {
    await service.ready();
    try {
      const { status, body } = await api().call(method, path);
      if (status === 200) return body;
    } catch {
      // The server has just gone.
    }
  }
}

/** The due times of all runs that a schedule has made, as the streams of the runs tell them. */
async function dueTimesOfRuns(): Promise<Map<string, string[]>> {
  const store = new PostgresEventStore(service.databaseUrl);
  const times = new Map<string, string[]>();
  for await (const { type, data } of store.readAll({ prefixes: ['run-'] })) {
    if (type !== 'RunCreated') continue;
    const { schedule_id, due_at } = ((data as Body)['metadata'] as Body)['schedule'] as Record<
      string,
      string
    >;
    times.set(String(schedule_id), [...(times.get(String(schedule_id)) ?? []), String(due_at)]);
  }
  await store.close();
  return times;
}

test.each(Array.from({ length: rounds }, (_, n) => n))(
  'whatever is killed, every time from creation to disabling makes one run, in order: round %i',
  async (round) => {
    const caller = api();
    const made: Body[] = [];
    for (let n = 0; n < sessions; n++) {
      const session = await caller.made('/sessions');
      for (let k = 0; k < schedulesOfEach; k++) {
        made.push(await caller.made(`/sessions/${session.id}/schedules`, { cron: '* * * * * *', run: {} }));
      }
    }
    const first = String(made[0]?.['id']);
    const least = Math.floor(Math.random() * 3);
    await until(async () => Number((await sent('GET', `/schedules/${first}`))['fired_count']) >= least);
    // All fire at the full second, and are at it for a moment.
    const moment = (Math.floor(Date.now() / 1_000) + 1) * 1_000 + Math.random() * 150;
    await until(() => Date.now() >= moment);
    await service.killAndRecover(victims[round % victims.length] ?? 'both');
    await until(async () => Number((await sent('GET', `/schedules/${first}`))['fired_count']) > least);

    /** The times up to when it was to be disabled; some of those that came until that was answered may be owed too. */
    const expected = new Map<string, { certain: number; all: string[] }>();
    for (const { id, next_fire_at } of made) {
      const certain = secondsFrom(String(next_fire_at), Date.now()).length;
      await sent('POST', `/schedules/${String(id)}/disable`);
      expected.set(String(id), { certain, all: secondsFrom(String(next_fire_at), Date.now()) });
    }
    for (const [id, { certain }] of expected) {
      await until(async () => Number((await sent('GET', `/schedules/${id}`))['fired_count']) >= certain);
    }
    const fired = await dueTimesOfRuns();
    for (const [id, { certain, all }] of expected) {
      const times = fired.get(id) ?? [];
      expect(times).toEqual(all.slice(0, Math.max(certain, times.length)));
    }
    for (const { id, session_id } of made) {
      const { last_run_id, last_error } = await sent('GET', `/schedules/${String(id)}`);
      expect(last_error).toBeNull();
      const shown = async (): Promise<unknown[]> =>
        dataOf(await api().get(`/sessions/${String(session_id)}/runs?limit=100`)).map((run) => run['id']);
      await until(async () => (await shown()).includes(last_run_id));
    }
  },
);
