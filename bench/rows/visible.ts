import type { Bench } from '../bench.js';
import { Latencies } from '../latencies.js';
import { below, type Measured, type Row } from '../row.js';

/** Milliseconds from an acknowledged change until a read shows it. */
const timeUntil = async (shown: () => Promise<boolean>): Promise<number> => {
  const start = performance.now();
  while (!(await shown()));
  return performance.now() - start;
};

const measured = async (bench: Bench, sample: () => Promise<number>): Promise<Measured> => {
  const latencies = new Latencies();
  const reads = new Latencies();
  for (let n = 0; n < bench.options.samples; n++) {
    latencies.add(await sample());
    await bench.catchUp();
    const asked = performance.now();
    await bench.call('GET', '/v1/me');
    reads.add(performance.now() - asked);
  }
  const figure = (name: string, of: Latencies) => {
    const [p50 = 0, p99 = 0] = of.percentiles(0.5, 0.99);
    return { name, value: p50, unit: 'ms', p50_ms: p50, p99_ms: p99 };
  };
  const visible = figure('visible', latencies);
  return {
    figures: [visible],
    references: [figure('one GET', reads)],
    targets: [below('p99 < 50 ms', visible.p99_ms, 50)],
  };
};

export const visibility: readonly Row[] = [
  {
    name: 'visible-run',
    measure: (bench) =>
      measured(bench, async () => {
        const id = await bench.createRun();
        return timeUntil(async () => {
          const { data } = await bench.call<{ data: { id: string }[] }>('GET', '/v1/runs?limit=1');
          return data[0]?.id === id;
        });
      }),
  },
  {
    name: 'visible-log',
    measure: async (bench) => {
      const logs = `/v1/runs/${await bench.createRun()}/logs`;
      const entries = [{ ts: '2026-01-01T00:00:00.000Z', stream: 'stdout', message: 'a line' }];
      return measured(bench, async () => {
        const { last_seq } = await bench.call<{ last_seq: number }>('POST', logs, { entries });
        return timeUntil(async () => {
          const { data } = await bench.call<{ data: { seq: number }[] }>('GET', `${logs}?tail=1`);
          return data[0]?.seq === last_seq;
        });
      });
    },
  },
];
