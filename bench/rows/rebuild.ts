import { PostgresEventStore } from '#eventstore-postgres';
import {
  Database,
  IdleCheckpoints,
  type Projection,
  Projector,
  ReadModelClock,
  SharedReading,
} from '#read-models';
import { Client } from 'pg';
import { readModels } from '../../apps/server/src/read-models.js';
import { migrations } from '../../apps/server/src/core.module.js';
import type { Bench } from '../bench.js';
import { live, storeCopies } from '../lives.js';
import { atLeast, type Figure, interleaved, type Row } from '../row.js';
import { seeded } from './read.js';

const patience = 600_000;

/** The same projection under another name: built from event 0 beside the one that serves. */
const shadow = (projection: Projection): Projection =>
  Object.create(projection, { name: { value: `bench_${projection.name}` } }) as Projection;

/** Builds every read model at once, from event 0 until it has caught up with the store. */
const rebuildAll = async (url: string): Promise<{ events: number; seconds: number }> => {
  const store = new PostgresEventStore(url);
  const database = await Database.open(url, migrations);
  const clock = new ReadModelClock(database);
  const log = { info: () => undefined, error: console.error };
  const shadows = readModels().map(shadow);
  const share = {
    reading: new SharedReading(store),
    idle: new IdleCheckpoints(database),
    clock,
    url,
    log,
  };
  const projectors = shadows.map((one) => new Projector(one, share));
  const head = await store.head();
  const start = performance.now();
  for (const projector of projectors) projector.start();
  const built = await Promise.all(shadows.map(({ name }) => clock.reached(name, head, patience)));
  const seconds = (performance.now() - start) / 1_000;
  await Promise.all(projectors.map((projector) => projector.stop()));
  for (const { name } of shadows) await database.query(`DROP SCHEMA ${name} CASCADE`);
  await database.query(`DELETE FROM runledger.projections WHERE name LIKE 'bench\\_%'`);
  await Promise.all([clock.close(), store.close(), database.close()]);
  if (built.includes(false)) throw new Error('the rebuild did not catch up');
  return { events: Number(head), seconds };
};

/** A database of its own beside the server's, for as long as the work takes. */
const aside = async <T>({ server }: Bench, work: (url: string) => Promise<T>): Promise<T> => {
  const admin = new Client({ connectionString: server.databaseUrl });
  await admin.connect();
  try {
    await admin.query('CREATE DATABASE lives');
    const url = new URL(server.databaseUrl);
    url.pathname = '/lives';
    return await work(url.href);
  } finally {
    await admin.query('DROP DATABASE IF EXISTS lives WITH (FORCE)');
    await admin.end();
  }
};

/** Agents' lives, as many as there are runs stored for the other rows in events. */
const rebuildLives = (bench: Bench): Promise<{ events: number; seconds: number }> =>
  aside(bench, async (url) => {
    const life = await live(bench);
    await (await Database.open(url, migrations)).close();
    await storeCopies(url, life, bench.options.runs);
    return rebuildAll(url);
  });

const figure = (of: string, { events, seconds }: { events: number; seconds: number }): Figure => ({
  ...{ name: `rebuild of ${events} events${of}`, value: events / seconds, unit: 'events/s' },
});

export const rebuild: Row = {
  name: 'rebuild',
  measure: async (bench) => {
    await seeded(bench);
    const { empty } = await interleaved(1, { empty: () => bench.empty(8) });
    const births = figure(', most of them births of runs', await rebuildAll(bench.server.databaseUrl));
    const lives = figure(", agents' lives", await rebuildLives(bench));
    return {
      figures: [births, lives],
      references: [empty],
      targets: [births, lives].map(({ name, value }) =>
        atLeast(`>= 40,000 events/s, ${name}`, value, 40_000),
      ),
    };
  },
};
