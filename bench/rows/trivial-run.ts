import type { Bench } from '../bench.js';
import { Latencies } from '../latencies.js';
import { below, type Row } from '../row.js';

/** Completes runs of a source as soon as they are there. */
const work = async (bench: Bench, source: string, runs: number): Promise<void> => {
  const claim = { worker_id: 'bench', wait_seconds: 60, filter: { source } };
  for (let done = 0; done < runs;) {
    const { data } = await bench.call<{ data: { id: string }[] }>('POST', '/v1/runs/claim', claim);
    for (const { id } of data) await bench.call('PATCH', `/v1/runs/${id}`, { status: 'completed' });
    done += data.length;
  }
};

/** Create, claim, complete and the answer to `wait=true`, one run after the other. */
export const trivialRun: Row = {
  name: 'trivial-run',
  measure: async (bench) => {
    const { samples } = bench.options;
    const source = 'trivial';
    const latencies = new Latencies();
    const worker = work(bench, source, samples);
    for (let n = 0; n < samples; n++) {
      const start = performance.now();
      await bench.call('POST', '/v1/runs?wait=true', { source });
      latencies.add(performance.now() - start);
    }
    await worker;
    const [p50 = NaN, p99 = NaN] = latencies.percentiles(0.5, 0.99);
    return {
      figures: [{ name: 'done and answered', value: p50, unit: 'ms', p50_ms: p50, p99_ms: p99 }],
      references: [],
      targets: [below('p50 < 20 ms', p50, 20)],
    };
  },
};
