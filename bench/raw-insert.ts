import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import pg from 'pg';
import type { LoadResult } from './generate.js';
import { Latencies } from './latencies.js';

/**
 * The other reference, as a process of its own: single-row inserts through `pg`, each its own
 * transaction, into a table with the unique index of the event table. Prints one JSON line (`LoadResult`).
 */
const { values } = parseArgs({
  options: {
    database: { type: 'string', default: '' },
    connections: { type: 'string', default: '16' },
    seconds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '0' },
  },
});

const text = 'INSERT INTO bench_raw (stream, revision, id, data) VALUES ($1, $2, $3, $4)';
const data = JSON.stringify({ message: 'x'.repeat(380) });
const clients = Array.from(
  { length: Number(values.connections) },
  () => new pg.Client({ connectionString: values.database }),
);
await Promise.all(clients.map((client) => client.connect()));
await clients[0]?.query(
  `CREATE TABLE IF NOT EXISTS bench_raw
     (stream text COLLATE "C", revision bigint, id uuid, data json, UNIQUE (stream, revision))`,
);

const latencies = new Latencies();
const start = performance.now() + Number(values['warm-up']) * 1000;
const end = start + Number(values.seconds) * 1000;

const insertUntilEnd = async (client: pg.Client): Promise<void> => {
  const stream = `raw-${randomUUID()}`;
  for (let revision = 0; ; revision++) {
    const before = performance.now();
    await client.query({ name: 'insert', text, values: [stream, revision, randomUUID(), data] });
    const after = performance.now();
    if (after > end) return;
    if (after >= start) latencies.add(after - before);
  }
};

await Promise.all(clients.map(insertUntilEnd));
await Promise.all(clients.map((client) => client.end()));
const seconds = (end - start) / 1000;
const [p50 = 0, p99 = 0, max = 0] = latencies.percentiles(0.5, 0.99, 1);
const result: LoadResult = {
  requests: latencies.count,
  refused: {},
  seconds,
  per_second: latencies.count / seconds,
  p50_ms: p50,
  p99_ms: p99,
  max_ms: max,
};
console.log(JSON.stringify(result));
