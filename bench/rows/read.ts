import type { Bench } from '../bench.js';
import { below, interleaved, type Row } from '../row.js';
import { seed, type Seeded } from '../seed.js';

const seededOf = new WeakMap<Bench, Promise<Seeded>>();

/** The stored runs; they are stored once per bench, when the first row needs them. */
export const seeded = (bench: Bench): Promise<Seeded> => {
  const stored = seededOf.get(bench) ?? seed(bench);
  seededOf.set(bench, stored);
  return stored;
};

const read = (name: string, paths: (stored: Seeded) => readonly string[]): Row => ({
  name,
  measure: async (bench) => {
    const connections = 8;
    const path = paths(await seeded(bench));
    const measures = {
      empty: () => bench.empty(connections),
      read: () => bench.load({ connections, method: 'GET', path }),
    };
    const { read: figure, empty } = await interleaved(bench.options.rounds, measures);
    return {
      figures: [figure],
      references: [empty],
      targets: [below(`p99 < 15 ms with ${bench.options.runs} runs stored`, figure.p99_ms ?? NaN, 15)],
    };
  },
});

const list = (name: string, query: (stored: Seeded) => string): Row =>
  read(`list-by-${name}`, (stored) => [`/v1/runs?limit=20&${query(stored)}`]);

const hourAgo = (): string => new Date(Date.now() - 3_600_000).toISOString();

export const reads: readonly Row[] = [
  read('read-run', ({ runIds }) => runIds.slice(0, 1_000).map((id) => `/v1/runs/${id}`)),
  read('list-newest', () => ['/v1/runs?limit=20']),
  list('task', ({ example }) => `task_id=${example.task_id}`),
  list('job', ({ example }) => `job_id=${example.job_id ?? ''}`),
  list('session', ({ sessionIds }) => `session_id=${sessionIds[0] ?? ''}`),
  list('parent', ({ runIds }) => `parent_run_id=${runIds[0] ?? ''}`),
  list('root', ({ runIds }) => `root_run_id=${runIds[0] ?? ''}`),
  list('status', () => 'status=running'),
  list('source', ({ example }) => `source=${example.source ?? ''}`),
  list('kind', ({ example }) => `kind=${example.kind}`),
  list('metadata', () => 'metadata.team=team-7'),
  list('created-after', () => `created_after=${hourAgo()}`),
  list('started-after', () => `started_after=${hourAgo()}`),
  list('ended-after', () => `ended_after=${hourAgo()}`),
  list('session-and-status', ({ sessionIds }) => `session_id=${sessionIds[0] ?? ''}&status=completed`),
];
