import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Api, type Body } from './support/api.js';
import { ended, type Server, startServer } from './support/server.js';

/** 10,000 take some minutes. */
const runs = Number(process.env['RACE_RUNS'] ?? 300);

let server: Server;
let api: Api;
let workers: ChildProcess[];

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.key);
  workers = Array.from({ length: 8 }, () => {
    const env = {
      PATH: process.env['PATH'],
      RUNLEDGER_URL: server.url,
      RUNLEDGER_API_KEY: server.key,
      LEASE_SECONDS: '2',
    };
    return spawn(process.execPath, ['examples/worker.mjs'], { env, stdio: 'inherit' });
  });
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => ended(worker, 'SIGKILL')));
  await server.stop();
});

const completed = async (): Promise<number> => (await api.allIds('/runs?status=completed')).length;

it(
  'eight workers, two of them killed: every run is done, and none twice under a lease that held',
  async () => {
    const ids: string[] = [];
    const create = async (): Promise<void> => {
      while (ids.length < runs)
        ids.push((await api.made('/runs', { input: { n: ids.length }, max_attempts: 100 })).id);
    };
    const creating = Promise.all([create(), create(), create(), create()]);
    for (const worker of workers.slice(0, 2)) {
      const before = await completed();
      while ((await completed()) < before + runs / 10) await pause(20);
      await ended(worker, 'SIGKILL');
    }
    await creating;
    while ((await completed()) < ids.length) await pause(100);
    for (const id of ids) {
      const events = (await api.get(`/runs/${id}/events`)).body['data'] as Body[];
      const types = events.map(({ type }) => String(type)).filter((type) => type !== 'run.updated');
      // Each start but the last was taken back before the next; one end, and nothing behind it.
      expect(types.join(' ')).toMatch(
        /^run\.created( run\.started run\.requeued)* run\.started run\.completed$/,
      );
    }
  },
  300_000 + runs * 1_000,
);
