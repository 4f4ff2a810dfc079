import { setTimeout as delay } from 'node:timers/promises';
import { readModels } from '../../apps/server/src/read-models.js';
import type { Bench } from '../bench.js';
import { readDuring, type ReadsResult } from '../readers.js';
import { atLeast, below, type Figure, type Measured, type Row } from '../row.js';
import { seeded } from './read.js';

const readers = 8;
const lookEvery = 500;
const compareEvery = 50;
/** A reader who looks at a page, and then at another, waits so many milliseconds between two. */
const thinks = 50;

interface Rebuild {
  readonly id: string;
  readonly error: string | null;
  readonly ended_at: string | null;
  readonly result: { readonly events: number } | null;
}

/** Has every read model built anew, all at once. @returns how many events were folded, and how fast the last of them */
const rebuildAll = async (bench: Bench): Promise<{ events: number; seconds: number }> => {
  const start = performance.now();
  const rebuilt = async ({ name }: { name: string }): Promise<number> => {
    const path = `/v1/projections/${name}/rebuilds`;
    const { id } = await bench.call<Rebuild>('POST', path, {});
    for (;;) {
      const { ended_at, error, result } = await bench.call<Rebuild>('GET', `${path}/${id}`);
      if (error !== null) throw new Error(`the rebuild of ${name} failed: ${error}`);
      if (ended_at !== null) return result?.events ?? 0;
      await delay(lookEvery);
    }
  };
  const folded = await Promise.all(readModels().map(rebuilt));
  return { events: Math.max(...folded), seconds: (performance.now() - start) / 1_000 };
};

/** Reads the paths in turn and compares what they answer with what they answered at first, until told to stop. */
const compared = (bench: Bench, paths: readonly string[]) => {
  let [over, different] = [false, 0];
  const read = async (path: string): Promise<string> => JSON.stringify(await bench.call('GET', path));
  const compare = async (): Promise<void> => {
    const first = new Map<string, string>();
    while (!over) {
      for (const path of paths) {
        const answer = await read(path);
        if (answer !== (first.get(path) ?? answer)) different++;
        first.set(path, answer);
      }
      await delay(compareEvery);
    }
  };
  const comparing = compare();
  return async (): Promise<number> => {
    over = true;
    await comparing;
    return different;
  };
};

const figure = (name: string, { per_second, p50_ms, p99_ms }: ReadsResult): Figure => ({
  ...{ name, value: per_second, unit: 'requests/s', p50_ms, p99_ms },
});

/** Rebuilds everything while eight read, and wait so long between two reads. */
const underReads = async (
  bench: Bench,
  paths: readonly string[],
  { kind, everyMs }: { readonly kind: string; readonly everyMs: number },
): Promise<Measured> => {
  const read = (work: () => Promise<unknown>) => readDuring(bench.server, readers, paths, work, everyMs);
  await read(() => delay(bench.options.warmUpSeconds * 1_000));
  const idle = await read(() => delay(bench.options.seconds * 1_000));
  const stop = compared(bench, paths);
  let rebuilt = { events: 0, seconds: NaN };
  const busy = await read(async () => (rebuilt = await rebuildAll(bench)));
  const different = await stop();
  const speed = rebuilt.events / rebuilt.seconds;
  return {
    figures: [
      { name: `rebuild of ${rebuilt.events} events while 8 ${kind}`, value: speed, unit: 'events/s' },
      figure('their reads', busy),
      { name: 'failed', value: busy.failed, unit: 'reads' },
      { name: 'inconsistent', value: different, unit: 'reads' },
    ],
    references: [figure(`8 who ${kind}, no rebuild`, idle)],
    targets: [
      below(`0 reads failed or inconsistent, of 8 who ${kind}`, busy.failed + different, 1),
      below('p99 of reads < 3 x idle', busy.p99_ms / idle.p99_ms, 3),
      atLeast('>= 40,000 events/s', speed, 40_000),
    ],
  };
};

export const rebuildUnderReads: Row = {
  name: 'rebuild-under-reads',
  measure: async (bench) => {
    const { runIds } = await seeded(bench);
    const paths = ['/v1/runs?limit=20', ...runIds.slice(0, 20).map((id) => `/v1/runs/${id}`)];
    const hurried = await underReads(bench, paths, { kind: 'read as fast as they can', everyMs: 0 });
    const calm = await underReads(bench, paths, { kind: 'read 20 times a second each', everyMs: thinks });
    return {
      figures: [...hurried.figures, ...calm.figures],
      references: [...hurried.references, ...calm.references],
      targets: [...hurried.targets, ...calm.targets],
    };
  },
};
