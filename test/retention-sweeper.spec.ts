import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PostgresEventStore } from '#eventstore-postgres';
import { derivedUuid, type Fact } from '#eventsourcing';
import { Api, type Body, newProject } from './support/api.js';
import type { Database } from './support/database.js';
import { eventsInPostgres, type Server, serverDatabase, startServer } from './support/server.js';
import { until } from './support/supervised-service.js';

const key = 'rl_the-key-of-whoever-runs-the-sweeper';
const old = '2020-01-02T03:04:05.000Z';
const policy = { max_age: 'P1Y', max_bytes: null, action: 'purge' };
let database: Database;

beforeAll(async () => {
  database = await serverDatabase();
});

afterAll(async () => {
  await database.drop();
});

const starting = (env: Readonly<Record<string, string>>): Promise<Server> =>
  startServer({ ...eventsInPostgres, DATABASE_URL: database.url, BOOTSTRAP_API_KEY: key, ...env });

async function expiredRun(api: Api): Promise<string> {
  const { id } = await api.made('/runs');
  await api.made(`/runs/${id}/logs`, {
    entries: [
      { ts: old, message: 'a' },
      { ts: old, message: 'b' },
    ],
  });
  await api.patch(`/runs/${id}`, { status: 'cancelled' });
  return id;
}

const removed = (api: Api, run: string) => async (): Promise<boolean> =>
  (await api.get(`/runs/${run}/logs`)).status === 410;

async function sweepFacts(api: Api, project: string): Promise<string[]> {
  const search = new URLSearchParams({ stream: `retentionSweeps-${project}` });
  const headers = { authorization: `Bearer ${api.key}` };
  const text = await (await fetch(`${api.url}/v1/audit/events?${search}`, { headers })).text();
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { type: string }).type);
}

test('what is due is removed regularly in all projects, and no sweep is made where nothing is', async () => {
  const server = await starting({ RETENTION_INTERVAL: 'PT1S' });
  try {
    const admin = new Api(server.url, key);
    const one = await newProject(server);
    const operator = await one.caller('operator');
    for (const api of [admin, operator]) await api.call('PUT', '/retention/policies/project/logs', policy);
    await until(removed(operator, await expiredRun(operator)));
    // The second of these sweeps begins behind the end of a whole round.
    for (let n = 0; n < 2; n++) await until(removed(admin, await expiredRun(admin)));
    const once = [
      'SweepRequested',
      'SweepStarted',
      'SweepBatchDecided',
      'SweepBatchCarriedOut',
      'SweepEnded',
    ];
    expect(await sweepFacts(operator, one.id)).toEqual(once);
    await until(async () => (await sweepFacts(admin, 'default')).length >= 2 * once.length);
    expect(await sweepFacts(admin, 'default')).toEqual([...once, ...once]);
  } finally {
    await server.stop();
  }
});

test('a batch that was decided on when its sweeper died is carried out, and then what is left', async () => {
  const asking = await starting({ ROLES: 'api,projector' });
  let sweep: Body;
  let runs: string[];
  let project: Awaited<ReturnType<typeof newProject>>;
  let operator: Api;
  try {
    project = await newProject(asking);
    operator = await project.caller('operator');
    runs = [await expiredRun(operator), await expiredRun(operator)];
    await operator.call('PUT', '/retention/policies/project/logs', policy);
    ({ body: sweep } = await operator.post('/retention/apply'));
    const [id = ''] = runs;
    const { kinds } = (await operator.get(`/runs/${id}/retention`)).body as {
      kinds: { kind: string; stored: { bytes: number } }[];
    };
    const bytes = kinds.find(({ kind }) => kind === 'logs')?.stored.bytes;
    await decided(project.id, String(sweep['id']), {
      ...{ number: 1, kind: 'logs', scope: `project:${project.id}`, limits: policy, pieces: 1 },
      removals: [{ id, after_seq: 0, through_seq: 2, revision: 1, bytes, from: old, to: old }],
    });
  } finally {
    await asking.stop();
  }
  const server = await starting({});
  try {
    const api = new Api(server.url, operator.key);
    const operation = async () => (await api.get(`/operations/${String(sweep['id'])}`)).body;
    await until(async () => (await operation())['status'] !== 'running');
    expect(await operation()).toMatchObject({
      status: 'succeeded',
      progress: { done: 4, total: 4 },
      result: { removed: [{ subjects: 2, count: 4, ids: [...runs].sort() }], kept: 0 },
    });
    for (const run of runs) expect(await removed(api, run)()).toBe(true);
  } finally {
    await server.stop();
  }
});

/** Writes down what a sweeper had when it died: that it had begun, and what it was to remove first. */
async function decided(project: string, operation_id: string, batch: Body): Promise<void> {
  const store = new PostgresEventStore(database.url);
  const facts: Fact[] = [
    { type: 'SweepStarted', data: { operation_id, total: 4 } },
    { type: 'SweepBatchDecided', data: { operation_id, ...batch } },
  ];
  const metadata = {
    ...{ $correlationId: 'c', $causationId: 'c', actor: 'a' },
    ...{ project, at: new Date().toISOString() },
  };
  const events = facts.map((fact) => ({
    ...fact,
    id: derivedUuid('decided', operation_id, fact.type),
    metadata,
  }));
  await store.append(`retentionSweeps-${project}`, 0, events);
  await store.close();
}
