import { setTimeout as delay } from 'node:timers/promises';
import { rebuildable } from '../../apps/server/src/read-models.js';
import { Bench } from '../bench.js';
import { live, storeCopies } from '../lives.js';
import { startServer } from '../processes.js';
import { readDuring, type ReadsResult } from '../readers.js';
import { atLeast, below, type Figure, type Measured, type Row } from '../row.js';
import { seeded } from './read.js';

const readers = 8;
const lookEvery = 500;
/** A reader who looks at a page, and then at another, waits so many milliseconds between two. */
const thinks = 50;
const newest = '/v1/runs?limit=20';

interface Rebuild {
  readonly id: string;
  readonly error: string | null;
  readonly ended_at: string | null;
}

/** Has all that can be rebuilt built anew, all at once. @returns how many events were read, and how long the last of them took */
const rebuildAll = async (bench: Bench): Promise<{ events: number; seconds: number }> => {
  const start = performance.now();
  const rebuilt = async ({ name }: { name: string }): Promise<void> => {
    const path = `/v1/projections/${name}/rebuilds`;
    const { id } = await bench.call<Rebuild>('POST', path, {});
    for (;;) {
      const { ended_at, error } = await bench.call<Rebuild>('GET', `${path}/${id}`);
      if (error !== null) throw new Error(`the rebuild of ${name} failed: ${error}`);
      if (ended_at !== null) return;
      await delay(lookEvery);
    }
  };
  await Promise.all(rebuildable().map(rebuilt));
  const seconds = (performance.now() - start) / 1_000;
  // In Postgres a position is the count of events up to it; those of the rebuilds themselves are few.
  const { data } = await bench.call<{ data: readonly { position: number }[] }>('GET', '/v1/projections');
  return { events: Math.max(...data.map(({ position }) => position)), seconds };
};

const figure = (name: string, { per_second, p50_ms, p99_ms }: ReadsResult): Figure => ({
  ...{ name, value: per_second, unit: 'requests/s', p50_ms, p99_ms },
});

interface Readers {
  readonly kind: string;
  readonly everyMs: number;
}

/** Rebuilds everything while eight read, and wait so long between two reads. */
const underReads = async (bench: Bench, of: string, { kind, everyMs }: Readers): Promise<Measured> => {
  const { data } = await bench.call<{ data: readonly { id: string }[] }>('GET', newest);
  const paths = [newest, ...data.map(({ id }) => `/v1/runs/${id}`)];
  const read = (work: () => Promise<unknown>) => readDuring(bench.server, readers, paths, work, everyMs);
  await read(() => delay(bench.options.warmUpSeconds * 1_000));
  const idle = await read(() => delay(bench.options.seconds * 1_000));
  let rebuilt = { events: 0, seconds: NaN };
  const busy = await read(async () => (rebuilt = await rebuildAll(bench)));
  const speed = rebuilt.events / rebuilt.seconds;
  return {
    figures: [
      { name: `rebuild of ${rebuilt.events} events, ${of}, while 8 ${kind}`, value: speed, unit: 'events/s' },
      figure('their reads', busy),
      { name: 'failed', value: busy.failed, unit: 'reads' },
      { name: 'inconsistent', value: busy.different, unit: 'reads' },
    ],
    references: [figure(`8 who ${kind}, no rebuild, ${of}`, idle)],
    targets: [
      below(`0 reads failed or inconsistent, ${of}, of 8 who ${kind}`, busy.failed + busy.different, 1),
      below('p99 of reads < 3 x idle', busy.p99_ms / idle.p99_ms, 3),
      atLeast('>= 40,000 events/s', speed, 40_000),
    ],
  };
};

const both = async (bench: Bench, of: string): Promise<Measured[]> => [
  await underReads(bench, of, { kind: 'read as fast as they can', everyMs: 0 }),
  await underReads(bench, of, { kind: 'read 20 times a second each', everyMs: thinks }),
];

/** On a server that has nothing else, of as many events as there are runs stored for the other rows. */
const ofLives = async ({ options }: Bench): Promise<Measured[]> => {
  const server = await startServer();
  try {
    const bench = new Bench(server, options);
    await storeCopies(server.databaseUrl, await live(bench), options.runs);
    await bench.catchUp();
    return await both(bench, "agents' lives");
  } finally {
    await server.stop();
  }
};

export const rebuildUnderReads: Row = {
  name: 'rebuild-under-reads',
  measure: async (bench) => {
    const lives = await ofLives(bench);
    await seeded(bench);
    const all = [...lives, ...(await both(bench, 'most of them births of runs'))];
    return {
      figures: all.flatMap(({ figures }) => figures),
      references: all.flatMap(({ references }) => references),
      targets: all.flatMap(({ targets }) => targets),
    };
  },
};
