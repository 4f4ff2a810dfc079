import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf } from './support/api.js';
import { type Database, freshDatabase } from './support/database.js';
import { type Server, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

const key = 'claims-of-several-processes';
const kills = Number(process.env['KILL_ROUNDS'] ?? 1);

let database: Database;
let servers: Server[];
beforeEach(async () => {
  database = await freshDatabase();
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
});

/** One more server process on the same database. */
async function started(roles: string): Promise<Api & { server: Server }> {
  const env = { DATABASE_URL: database.url, BOOTSTRAP_API_KEY: key, ROLES: roles };
  const server = await startServer(env);
  servers.push(server);
  return Object.assign(new Api(server.url, key), { server });
}

const claim = async (api: Api, body: Body = {}): Promise<Body[]> =>
  dataOf(await api.post('/runs/claim', { worker_id: 'w', ...body }));
const idsOf = (runs: readonly Body[]) => runs.map(({ id }) => id);

describe('claims in several processes', () => {
  it('wake each other, and give every run to one worker', async () => {
    const [one, two] = [await started('api,projector,sweeper'), await started('api')];
    expect([await claim(one), await claim(two)]).toEqual([[], []]);
    const waiting = claim(two, { wait_seconds: 30 });
    const first = await one.made('/runs');
    expect(idsOf(await waiting)).toEqual([first.id]);

    const runs: unknown[] = [];
    const claimed: unknown[] = [];
    const body = { max: 2, wait_seconds: 1, lease_seconds: 3_600 };
    const create = async (): Promise<void> => {
      for (let n = 0; n < 30; n++) runs.push((await one.made('/runs')).id);
    };
    const work = async (api: Api): Promise<void> => {
      while (claimed.length < 60) claimed.push(...idsOf(await claim(api, body)));
    };
    await Promise.all([create(), create(), work(one), work(one), work(two), work(two)]);
    expect(claimed.sort()).toEqual(runs.sort());
  });

  it('are answered when the server stops, with nothing', async () => {
    const one = await started('api,projector,sweeper');
    const waiting = claim(one, { wait_seconds: 60 });
    // Whatever comes later is answered later: by then the claim waits.
    await claim(one);
    expect(await one.server.stop()).toBe(0);
    expect(await waiting).toEqual([]);
  });

  it(
    `get back the runs of dead workers when the process that swept is dead too, ${kills} times`,
    async () => {
      let one = await started('api,projector,sweeper');
      for (let round = 0; round < kills; round++) {
        const two = await started('api,projector,sweeper');
        const { id } = await one.made('/runs');
        expect(idsOf(await claim(one, { lease_seconds: 2 }))).toEqual([id]);
        await one.server.kill();
        await until(async () => (await two.get(`/runs/${id}`)).body['status'] === 'pending');
        expect(await claim(two, { wait_seconds: 30 })).toMatchObject([{ id, attempt: 2 }]);
        // Its lease would expire in one of the next rounds.
        await two.post(`/runs/${id}/cancel`);
        one = two;
      }
    },
    300_000 + kills * 30_000,
  );
});
