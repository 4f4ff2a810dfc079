import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.js';
import { atLeast, interleaved, type Row } from '../row.js';
import { seeded } from './read.js';

interface Operation {
  readonly id: string;
  readonly status: 'running' | 'succeeded' | 'failed';
  readonly progress: { readonly done: number; readonly total: number };
}

/** Rebuilds every projection at once; answers the events of the longest and how long all took. */
const rebuildAll = async (bench: Bench): Promise<{ events: number; seconds: number }> => {
  const { data } = await bench.call<{ data: { name: string }[] }>('GET', '/v1/projections');
  const start = performance.now();
  const operations = await Promise.all(
    data.map(async ({ name }) => {
      const rebuilds = `/v1/projections/${name}/rebuilds`;
      let operation = await bench.call<Operation>('POST', rebuilds, {});
      while (operation.status === 'running') {
        await delay(50);
        operation = await bench.call<Operation>('GET', `${rebuilds}/${operation.id}`);
      }
      if (operation.status === 'failed') throw new Error(`the rebuild of ${name} failed`);
      return operation;
    }),
  );
  return {
    events: Math.max(...operations.map(({ progress }) => progress.total)),
    seconds: (performance.now() - start) / 1000,
  };
};

export const rebuild: Row = {
  name: 'rebuild',
  measure: async (bench) => {
    await seeded(bench);
    const { empty } = await interleaved(1, { empty: () => bench.empty(8) });
    const { events, seconds } = await rebuildAll(bench);
    const rate = events / seconds;
    return {
      figures: [{ name: `rebuild of ${events} events`, value: rate, unit: 'events/s' }],
      references: [empty],
      targets: [atLeast('>= 40,000 events/s', rate, 40_000)],
    };
  },
};
