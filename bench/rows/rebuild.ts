import { PostgresEventStore } from '#eventstore-postgres';
import {
  Database,
  IdleCheckpoints,
  type Projection,
  Projector,
  ReadModelClock,
  SharedReading,
} from '#read-models';
import { readModels } from '../../apps/server/src/app.module.js';
import type { Bench } from '../bench.js';
import { atLeast, interleaved, type Row } from '../row.js';
import { seeded } from './read.js';

const patience = 600_000;

/** The same projection under another name: built from event 0 beside the one that serves. */
const shadow = (projection: Projection): Projection =>
  Object.create(projection, { name: { value: `bench_${projection.name}` } }) as Projection;

/** Builds every read model at once, from event 0 until it has caught up with the store. */
const rebuildAll = async ({ server }: Bench): Promise<{ events: number; seconds: number }> => {
  const store = new PostgresEventStore(server.databaseUrl);
  const database = await Database.open(server.databaseUrl, []);
  const clock = new ReadModelClock(database);
  const log = { info: () => undefined, error: console.error };
  const shadows = readModels().map(shadow);
  const share = {
    reading: new SharedReading(store),
    idle: new IdleCheckpoints(database),
    clock,
    url: server.databaseUrl,
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
