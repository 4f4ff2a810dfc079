import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PostgresEventStore } from '#eventstore-postgres';
import { Api, type Body, dataOf } from './support/api.js';
import { inTurns } from './support/ledger-load.js';
import { SupervisedService, until, type Victim } from './support/supervised-service.js';

const rounds = Number(process.env['RETENTION_KILLS'] ?? 3);
const victims: readonly Victim[] = ['server', 'both', 'postgres'];
const old = '2020-01-02T03:04:05.000Z';
const [expired, partly] = [240, 10];
const linesOfAppend = 20;

let service: SupervisedService;

beforeAll(async () => {
  service = new SupervisedService();
  await service.ready();
});

afterAll(async () => {
  await service.stop();
});

const api = (): Api => new Api(service.url, service.key);

/** Asks until there is an answer, through restarts. */
async function asked(path: string): Promise<Body> {
  for (;;) {
    await service.ready();
    try {
      const { status, body } = await api().get(path);
      if (status === 200) return body;
    } catch {
      // The server has just gone.
    }
  }
}

async function runWith(ts: readonly string[]): Promise<string> {
  const caller = api();
  const { id } = await caller.made('/runs');
  for (const [n, one] of ts.entries()) {
    const entries = Array.from({ length: linesOfAppend }, (_, k) => ({ ts: one, message: `${n} ${k}` }));
    await caller.made(`/runs/${id}/logs`, { entries });
  }
  await caller.patch(`/runs/${id}`, { status: 'running' });
  await caller.patch(`/runs/${id}`, { status: 'completed' });
  return id;
}

/** `run seq` of every line in the archive of an operation, as its manifests name the files. */
function archivedLines(operation: string): string[] {
  const root = join(service.dataDir, 'archive');
  const folder = join(root, 'default/logs', operation);
  if (!existsSync(folder)) return [];
  const manifests = readdirSync(folder).filter((name) => name.endsWith('.manifest.json'));
  return manifests.flatMap((name) => {
    const { file } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as { file: string };
    const lines = gunzipSync(readFileSync(join(root, file)))
      .toString()
      .trimEnd()
      .split('\n');
    return lines.map((line) => {
      const { run_id, seq } = JSON.parse(line) as { run_id: string; seq: number };
      return `${run_id} ${seq}`;
    });
  });
}

/** Revisions of the events of logs that the store still has, by run. */
async function storedLogs(runs: readonly string[]): Promise<Map<string, string[]>> {
  const store = new PostgresEventStore(service.databaseUrl);
  const types = new Map<string, string[]>();
  for (const run of runs) {
    const own: string[] = [];
    for await (const { type } of store.readStream(`runLog-${run}`)) own.push(type);
    types.set(run, own);
  }
  await store.close();
  return types;
}

describe.each(['purge', 'archive'])('kill -9 in the middle of a sweep that is to %s', (action) => {
  test.each(Array.from({ length: rounds }, (_, n) => n))(
    'loses nothing that was not due, and removes all that was: round %i',
    async (round) => {
      const now = new Date().toISOString();
      const gone: string[] = [];
      const half: string[] = [];
      await inTurns(Array.from({ length: expired }), async () => void gone.push(await runWith([old])));
      await inTurns(Array.from({ length: partly }), async () => void half.push(await runWith([old, now])));
      const policy = { max_age: 'P1Y', action };
      const caller = api();
      const { body: told } = await caller.post('/retention/preview', {
        scope: 'project',
        kind: 'logs',
        ...policy,
      });
      expect(told).toMatchObject({ subjects: expired + partly, count: (expired + partly) * linesOfAppend });
      await caller.call('PUT', '/retention/policies/project/logs', policy);
      const { body: operation } = await caller.post('/retention/apply');
      const path = `/operations/${String(operation['id'])}`;
      const least = Math.floor(Math.random() * Number(told['count']) * 0.9);
      await until(async () => ((await asked(path))['progress'] as { done: number }).done >= least);
      await service.killAndRecover(victims[round % victims.length] ?? 'both');

      await until(async () => (await asked(path))['status'] !== 'running');
      const ended = await asked(path);
      const archives = (ended['result'] as { removed: Body[] }).removed.flatMap(
        (one) => one['archives'] as string[],
      );
      expect(ended).toMatchObject({ status: 'succeeded', progress: { done: told['count'] } });
      expect(ended['result']).toEqual({ removed: [{ ...told, archives }], kept: 0 });
      await inTurns(gone, async (run) => {
        const { status, body } = await api().get(`/runs/${run}/logs?after_seq=0`);
        expect([status, body['earliest_seq']]).toEqual([410, linesOfAppend + 1]);
      });
      await inTurns(half, async (run) => {
        const lines = dataOf(await api().get(`/runs/${run}/logs`));
        expect(lines.map(({ message }) => message)).toEqual(
          Array.from({ length: linesOfAppend }, (_, n) => `1 ${n}`),
        );
      });
      const stored = await storedLogs([...gone, ...half]);
      for (const run of gone) expect(stored.get(run)).toEqual(['LogPurged']);
      for (const run of half) expect(stored.get(run)).toEqual(['LogAppended', 'LogPurged']);
      const wanted = [...gone, ...half].flatMap((run) =>
        Array.from({ length: linesOfAppend }, (_, n) => `${run} ${n + 1}`),
      );
      expect(archivedLines(String(operation['id'])).sort()).toEqual(
        action === 'archive' ? wanted.sort() : [],
      );
    },
  );
});
