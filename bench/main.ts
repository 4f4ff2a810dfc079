import { parseArgs } from 'node:util';
import { Bench, type BenchOptions } from './bench.js';
import { startServer } from './processes.js';
import type { Row } from './row.js';
import { appendBatch } from './rows/append-batch.js';
import { appendOne } from './rows/append-one.js';
import { burst } from './rows/burst.js';
import { creations } from './rows/create.js';
import { reads } from './rows/read.js';
import { asOf } from './rows/as-of.js';
import { following } from './rows/follow.js';
import { neverRead } from './rows/never-read.js';
import { processes } from './rows/process.js';
import { rebuild } from './rows/rebuild.js';
import { retention } from './rows/retention.js';
import { sessionLists } from './rows/sessions.js';
import { trivialRun } from './rows/trivial-run.js';
import { visibility } from './rows/visible.js';
import { type TableRow, writeTable } from './table.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true },
    quick: { type: 'boolean', default: false },
    seconds: { type: 'string' },
    'warm-up': { type: 'string' },
    rounds: { type: 'string' },
    runs: { type: 'string' },
    sessions: { type: 'string' },
    out: { type: 'string', default: 'bench/results' },
  },
});

const quick: BenchOptions = {
  seconds: 0.3,
  warmUpSeconds: 0.1,
  rounds: 1,
  runs: 2_000,
  sessions: 2_000,
  burstEntries: 5_000,
  samples: 10,
  followers: 20,
  neverReading: 10,
  neverReadingSeconds: 0.3,
  retainedEntries: 20_000,
  outputMegabytes: 4,
};
const full: BenchOptions = {
  seconds: 5,
  warmUpSeconds: 2,
  rounds: 3,
  runs: 1_000_000,
  sessions: 100_000,
  burstEntries: 200_000,
  samples: 300,
  followers: 1_000,
  neverReading: 500,
  neverReadingSeconds: 60,
  retainedEntries: 2_000_000,
  outputMegabytes: 200,
};
const sizes = values.quick ? quick : full;
const options: BenchOptions = {
  ...sizes,
  ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
  ...(values['warm-up'] !== undefined && { warmUpSeconds: Number(values['warm-up']) }),
  ...(values.rounds !== undefined && { rounds: Number(values.rounds) }),
  ...(values.runs !== undefined && { runs: Number(values.runs) }),
  ...(values.sessions !== undefined && { sessions: Number(values.sessions) }),
};

const all: readonly Row[] = [
  ...appendOne,
  appendBatch,
  burst,
  ...creations,
  ...visibility,
  trivialRun,
  ...following,
  neverRead,
  asOf,
  ...reads,
  ...sessionLists,
  ...processes,
  rebuild,
  retention,
];
const unknown = values.only?.find((name) => !all.some((row) => row.name === name));
if (unknown !== undefined) {
  console.error(`no row ${unknown}; the rows: ${all.map((row) => row.name).join(', ')}`);
  process.exit(2);
}
const chosen = all.filter((row) => values.only?.includes(row.name) ?? true);

const measure = async (bench: Bench, { name, measure: run }: Row): Promise<TableRow> => {
  console.error(name);
  try {
    return { name, ...(await run(bench)) };
  } catch (error) {
    return { name, problem: error instanceof Error ? error.message : String(error) };
  }
};

const server = await startServer();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void server.stop().then(() => process.exit(1)));
}
try {
  const bench = new Bench(server, options);
  const rows: TableRow[] = [];
  for (const row of chosen) rows.push(await measure(bench, row));
  console.log(await writeTable(values.out, rows, options));
  if (rows.some((row) => 'problem' in row)) process.exitCode = 1;
} finally {
  await server.stop();
}
