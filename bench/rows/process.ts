import type { Bench } from '../bench.js';
import { Latencies } from '../latencies.js';
import { atLeast, below, median, type Row } from '../row.js';

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

/** Has a process write so much that does not compress. @returns megabytes a second, to where it has arrived */
const written = async (bench: Bench, run: string, arrived: (id: string) => Promise<unknown>) => {
  const bytes = bench.options.outputMegabytes * 1_000_000;
  const begun = performance.now();
  const { id } = await start(bench, run, 'head', ['-c', String(bytes), '/dev/urandom']);
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
      const [followed, stored]: [number[], number[]] = [[], []];
      for (let round = 0; round < rounds; round++) {
        stored.push(await written(bench, run, (id) => ended(bench, id)));
        followed.push(
          await written(bench, run, async (id) => {
            const bytes = await bench.followOutput(id);
            if (bytes !== outputMegabytes * 1_000_000) throw new Error(`${bytes} bytes arrived`);
          }),
        );
      }
      await bench.call('POST', `/v1/runs/${run}/cancel`);
      const reached = median(followed);
      return {
        figures: [{ name: `${outputMegabytes} MB stored and followed`, value: reached, unit: 'MB/s' }],
        references: [{ name: 'stored, followed by none', value: median(stored), unit: 'MB/s' }],
        targets: [atLeast('>= 50 MB/s', reached, 50)],
      };
    },
  },
];
