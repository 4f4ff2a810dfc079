import type { Bench } from '../bench.js';
import { Latencies } from '../latencies.js';
import { atLeast, below, type Figure, median, type Row } from '../row.js';

interface Started {
  readonly id: string;
  readonly status: string;
}

/** Has a process started in the sandbox of a run. */
const start = (bench: Bench, run: string, command: string, args: readonly string[]): Promise<Started> =>
  bench.call<Started>('POST', `/v1/runs/${run}/processes`, {
    ...{ command, args },
    ...{ attach_output: false, output_limit_bytes: 0 },
  });

const ended = (bench: Bench, id: string): Promise<unknown> => bench.call('GET', `/v1/processes/${id}/wait`);

const runWithSandbox = async (bench: Bench): Promise<string> => {
  const run = await bench.createRun();
  await bench.call('POST', `/v1/runs/${run}/sandbox`, {});
  await bench.catchUp();
  return run;
};

/** What writes so many bytes: some that do not compress, and text. */
const writers = {
  bytes: (count: number) => ['head', '-c', String(count), '/dev/urandom'],
  text: (count: number) => ['sh', '-c', `seq 1000000000000 9999999999999 | head -c ${count}`],
} as const;

/** Has a process write. @returns megabytes a second, to where it has arrived */
const written = async (
  bench: Bench,
  run: string,
  what: keyof typeof writers,
  arrived: (id: string) => Promise<unknown>,
) => {
  const bytes = bench.options.outputMegabytes * 1_000_000;
  const [command = '', ...args] = writers[what](bytes);
  const begun = performance.now();
  const { id } = await start(bench, run, command, args);
  await arrived(id);
  return bytes / 1_000 / (performance.now() - begun);
};

export const processes: readonly Row[] = [
  {
    name: 'process-start',
    measure: async (bench) => {
      const run = await runWithSandbox(bench);
      const latencies = new Latencies();
      for (let n = 0; n < bench.options.samples; n++) {
        const begun = performance.now();
        const { id, status } = await start(bench, run, 'sleep', ['600']);
        latencies.add(performance.now() - begun);
        if (status !== 'running') throw new Error(`a process was ${status} when it should run`);
        await bench.call('POST', `/v1/processes/${id}/terminate`, { grace_seconds: 0 });
        await ended(bench, id);
      }
      await bench.call('POST', `/v1/runs/${run}/cancel`);
      const [p50 = NaN, p99 = NaN] = latencies.percentiles(0.5, 0.99);
      return {
        figures: [{ name: 'request to running', value: p50, unit: 'ms', p50_ms: p50, p99_ms: p99 }],
        references: [await bench.emptyLatency()],
        targets: [below('p50 < 40 ms', p50, 40)],
      };
    },
  },
  {
    name: 'process-output',
    measure: async (bench) => {
      const { rounds, outputMegabytes } = bench.options;
      const run = await runWithSandbox(bench);
      const stored = { bytes: [] as number[], text: [] as number[] };
      const followed = { bytes: [] as number[], text: [] as number[] };
      const byFollower = async (id: string): Promise<void> => {
        const bytes = await bench.followOutput(id);
        if (bytes !== outputMegabytes * 1_000_000) throw new Error(`${bytes} bytes arrived`);
      };
      for (let round = 0; round < rounds; round++) {
        for (const what of ['bytes', 'text'] as const) {
          stored[what].push(await written(bench, run, what, (id) => ended(bench, id)));
          followed[what].push(await written(bench, run, what, byFollower));
        }
      }
      await bench.call('POST', `/v1/runs/${run}/cancel`);
      const figure = (name: string, values: readonly number[]): Figure => ({
        ...{ name, value: median(values), unit: 'MB/s' },
      });
      return {
        figures: [
          figure(`${outputMegabytes} MB that do not compress, stored and followed`, followed.bytes),
          figure('of text', followed.text),
        ],
        references: [
          figure('stored, followed by none', stored.bytes),
          figure('text, followed by none', stored.text),
        ],
        targets: [
          atLeast('>= 50 MB/s', median(followed.bytes), 50),
          atLeast('>= 50 MB/s of text', median(followed.text), 50),
        ],
      };
    },
  },
];
