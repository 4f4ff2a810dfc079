import type { Bench } from '../bench.js';
import { below, type Measured, type Row } from '../row.js';

const idleEvery = 50;

/** One follower, and one event at a time, while nothing else happens. */
const idle = async (bench: Bench, run: string, path?: string): Promise<Measured> => {
  await bench.catchUp();
  const { p50_ms, p99_ms } = await bench.follow({
    run,
    ...(path !== undefined && { path }),
    followers: 1,
    every: idleEvery,
    seconds: (bench.options.samples * idleEvery) / 1000,
  });
  return {
    figures: [{ name: 'append to receive', value: p50_ms, unit: 'ms', p50_ms, p99_ms }],
    references: [await bench.emptyLatency()],
    targets: [below('p50 < 10 ms', p50_ms, 10), below('p99 < 30 ms', p99_ms, 30)],
  };
};

export const following: readonly Row[] = [
  {
    name: 'followers-1000',
    measure: async (bench) => {
      const run = await bench.createRun();
      await bench.catchUp();
      await bench.forgetPeakMemory();
      const before = await bench.residentMemory();
      const { followers } = bench.options;
      const { p50_ms, p99_ms, received, server_cpu_percent } = await bench.follow({
        run,
        followers,
        every: 20,
      });
      const memory = await bench.peakMemory();
      return {
        figures: [
          {
            name: `append to last byte at ${followers} followers`,
            value: p50_ms,
            unit: 'ms',
            p50_ms,
            p99_ms,
          },
          { name: 'events received', value: received, unit: 'events' },
          { name: 'server CPU', value: server_cpu_percent, unit: '% of a core' },
          { name: 'server memory', value: memory, unit: `MB, ${Math.round(before)} before` },
        ],
        references: [await bench.emptyLatency()],
        targets: [below('p99 < 100 ms', p99_ms, 100)],
      };
    },
  },
  { name: 'follow-idle-run', measure: async (bench) => idle(bench, await bench.createRun()) },
  {
    name: 'follow-idle-session',
    measure: async (bench) => {
      const { id } = await bench.call<{ id: string }>('POST', '/v1/sessions', {});
      const run = await bench.call<{ id: string }>('POST', `/v1/sessions/${id}/runs`, {});
      return idle(bench, run.id, `/v1/sessions/${id}/events`);
    },
  },
];
