import { setTimeout as delay } from 'node:timers/promises';
import { uuidv7, type EventMetadata, type NewEvent } from '#eventsourcing';
import { PostgresEventStore } from '#eventstore-postgres';
import { logStreamOf, type LogAppended } from '#logs';
import { Database } from '#read-models';
import { runStream, type RunFact } from '#runs';
import type { Bench } from '../bench.js';
import { below, type Row } from '../row.js';

const linesOfChunk = 100;
const chunksOfRun = 10;
const runsAtOnce = 50;
const old = '2020-01-01T00:00:00.000Z';

/** Stores logs of runs that have completed, straight into the event store. */
const seedLogs = async (bench: Bench, entries: number): Promise<void> => {
  const me = await bench.call<{ principal_id: string; project_id: string; user_id: string }>('GET', '/v1/me');
  const metadata: EventMetadata = {
    ...{ $correlationId: 'bench', $causationId: 'bench' },
    ...{ actor: me.principal_id, project: me.project_id, at: old },
  };
  const stored = (fact: RunFact | LogAppended): NewEvent => ({ id: uuidv7(), ...fact, metadata });
  const store = new PostgresEventStore(bench.server.databaseUrl);
  const oneRun = async (): Promise<void> => {
    const run_id = uuidv7();
    const birth = {
      run_id,
      project_id: me.project_id,
      user_id: me.user_id,
      task_id: run_id,
      root_run_id: run_id,
    };
    const life: RunFact[] = [
      { type: 'RunCreated', data: { ...birth, kind: 'job', metadata: {}, max_attempts: 3 } },
      { type: 'RunStarted', data: { from: 'pending' } },
      { type: 'RunCompleted', data: { from: 'running' } },
    ];
    const logs = Array.from({ length: chunksOfRun }, (_, chunk): LogAppended => {
      const first_seq = chunk * linesOfChunk + 1;
      const lines = Array.from({ length: linesOfChunk }, (_, n) => ({
        ...{ ts: old, stream: 'stdout' as const },
        message: `${run_id} line ${first_seq + n}: ${Math.random().toString(36).repeat(4)}`,
      }));
      return { type: 'LogAppended', data: { first_seq, from: old, to: old, entries: lines } };
    });
    await store.append(runStream(run_id), 'none', life.map(stored));
    await store.append(logStreamOf(run_id), 'none', logs.map(stored));
  };
  try {
    for (let left = entries / (linesOfChunk * chunksOfRun); left > 0; left -= runsAtOnce) {
      await Promise.all(Array.from({ length: Math.min(left, runsAtOnce) }, oneRun));
    }
  } finally {
    await store.close();
  }
  await bench.catchUp();
};

/** Megabytes that all events and log lines take on disk, free space in the files included. */
const sizes = async (database: Database): Promise<number> => {
  const [row] = await database.query<{ bytes: string }>(
    `SELECT pg_total_relation_size('eventstore.events') + pg_total_relation_size('logs.chunks') AS bytes`,
  );
  return Number(row?.bytes ?? NaN) / 1024 / 1024;
};

/** @returns seconds until the operation has ended */
const sweep = async (bench: Bench): Promise<number> => {
  const start = performance.now();
  const { id } = await bench.call<{ id: string }>('POST', '/v1/retention/apply', {});
  for (;;) {
    const operation = await bench.call<{ status: string; error: string | null }>(
      'GET',
      `/v1/operations/${id}`,
    );
    if (operation.status === 'failed') throw new Error(String(operation.error));
    if (operation.status === 'succeeded') return (performance.now() - start) / 1_000;
    await delay(100);
  }
};

export const retention: Row = {
  name: 'retention',
  measure: async (bench) => {
    const { retainedEntries } = bench.options;
    const database = await Database.open(bench.server.databaseUrl, []);
    try {
      const others = await sizes(database);
      await seedLogs(bench, retainedEntries);
      const run = await bench.createRun();
      const appends = { connections: 1, method: 'POST', path: `/v1/runs/${run}/logs` };
      const body = { entries: [{ message: 'appended while others are removed' }] };
      const idle = await bench.load({ ...appends, body });
      const before = (await sizes(database)) - others;
      await bench.call('PUT', '/v1/retention/policies/project/logs', { max_age: 'P1Y' });
      const sweeping = sweep(bench);
      const busy = await bench.load({ ...appends, body });
      const seconds = await sweeping;
      const after = (await sizes(database)) - others;
      await bench.call('PUT', '/v1/retention/policies/project/logs', {});
      return {
        figures: [
          { name: `sweep of ${retainedEntries} entries`, value: seconds, unit: 's' },
          {
            name: 'append meanwhile',
            value: busy.per_second,
            unit: 'requests/s',
            p50_ms: busy.p50_ms,
            p99_ms: busy.p99_ms,
          },
          { name: 'they take on disk before', value: before, unit: 'MB' },
          { name: 'on disk after', value: after, unit: 'MB' },
        ],
        references: [
          {
            name: 'append, idle',
            value: idle.per_second,
            unit: 'requests/s',
            p50_ms: idle.p50_ms,
            p99_ms: idle.p99_ms,
          },
        ],
        targets: [
          below('2,000,000 entries in < 30 s', (seconds * 2_000_000) / retainedEntries, 30),
          below('p99 of appends < 2 x idle', busy.p99_ms, 2 * idle.p99_ms),
          below('disk given back: < 20 % left', after / before, 0.2),
        ],
      };
    } finally {
      await database.close();
    }
  },
};
