import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Api, type Body, dataOf } from './support/api.js';
import type { Database } from './support/database.js';
import { type Server, serverDatabase, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

const rounds = Number(process.env['KILL_ROUNDS'] ?? 2);
const key = 'hosts-of-several-processes';

let database: Database;
let servers: Server[];
beforeEach(async () => {
  database = await serverDatabase();
  servers = [];
});
afterEach(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await database.drop();
});

/** One more server process on the same database. */
async function started(roles: string): Promise<Server> {
  const server = await startServer({ DATABASE_URL: database.url, BOOTSTRAP_API_KEY: key, ROLES: roles });
  servers.push(server);
  return server;
}

const shell = async (api: Api, run: string, script: string): Promise<Body & { id: string }> =>
  api.made(`/runs/${run}/processes`, { command: 'sh', args: ['-c', script] });
const read = async (api: Api, id: string): Promise<Body> => (await api.get(`/processes/${id}`)).body;

/** Whether any process of this machine was started with this word among its arguments. */
const anyWith = (word: string): boolean =>
  readdirSync('/proc').some((pid) => {
    try {
      return /^\d+$/.test(pid) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });

describe('hosts in processes of their own', () => {
  it('run what is asked for elsewhere, each sandbox on one of them', async () => {
    const api = new Api((await started('api,projector,sweeper')).url, key);
    const run = await api.made('/runs');
    const start = () =>
      api.post(
        `/runs/${run.id}/processes`,
        { command: 'true' },
        { 'idempotency-key': 'when-a-host-is-there' },
      );
    expect(await start()).toMatchObject({ status: 503, body: { code: 'no_host', retryable: true } });
    await Promise.all([started('host'), started('host')]);
    expect(await start()).toMatchObject({ status: 201 });
    const bodies = await Promise.all(
      Array.from({ length: 6 }, async (_, n) => {
        const { id } = await api.made('/runs');
        const { body } = await api.post(`/runs/${id}/processes`, {
          command: 'sh',
          args: ['-c', 'echo "$WORD"; cat'],
          env: { WORD: `word ${n}` },
          stdin: `line ${n}`,
        });
        return (await api.get(`/processes/${String(body['id'])}/wait`)).body;
      }),
    );
    for (const body of bodies) {
      expect(body).toMatchObject({
        status: 'exited',
        exit_code: 0,
        output: { stdout: { bytes: 13, truncated: false } },
      });
    }
  });

  it('end what they run when they are asked to stop, and say so', async () => {
    const api = new Api((await started('api,projector,sweeper')).url, key);
    const host = await started('host');
    const { id: run } = await api.made('/runs');
    const { id } = await shell(api, run, 'exec sleep 600');
    expect(await host.stop()).toBe(0);
    expect(await read(api, id)).toMatchObject({ status: 'killed', reason: 'host_stopped' });
    expect((await api.get(`/runs/${run}/sandbox`)).body).toMatchObject({
      status: 'closed',
      reason: 'host_stopped',
    });
  });

  it(
    `leave nothing alive and nothing running on record when they are killed, ${rounds} times`,
    async () => {
      const api = new Api((await started('api,projector,sweeper')).url, key);
      for (let round = 0; round < rounds; round++) {
        const host = await started('host');
        const word = `600.${Date.now()}`;
        const runs = await Promise.all([1, 2].map(async () => (await api.made('/runs')).id));
        const asked: Promise<Body>[] = runs.flatMap((run) =>
          Array.from({ length: 3 }, () => shell(api, run, `sleep ${word} & sleep ${word}`)),
        );
        const outcomes = Promise.allSettled(asked);
        // At a random moment: somewhere between the first request and the last start.
        await Promise.allSettled([asked[Math.floor(Math.random() * asked.length)]]);
        await host.kill();
        await until(() => !anyWith(word));
        const begun = (await outcomes).flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
        for (const { id } of begun) {
          await until(
            async () => !['starting', 'running'].includes(String((await read(api, String(id)))['status'])),
          );
          expect(await read(api, String(id))).toMatchObject({ status: 'lost', reason: 'host_lost' });
        }
        for (const run of runs) {
          const live = async () => dataOf(await api.get(`/runs/${run}/processes?status=starting,running`));
          await until(async () => (await live()).length === 0);
          const sandbox = await api.get(`/runs/${run}/sandbox`);
          if (sandbox.status === 200)
            expect(sandbox.body).toMatchObject({ status: 'closed', reason: 'host_lost' });
        }
      }
    },
    300_000 + rounds * 30_000,
  );
});
