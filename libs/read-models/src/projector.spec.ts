import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Client } from 'pg';
import type { RecordedEvent } from '#eventsourcing';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { until } from '../../../test/support/supervised-service.js';
import {
  Database,
  IdleCheckpoints,
  type Projection,
  Projector,
  ReadModelClock,
  ReadModels1760000000001,
  type RebuildJob,
  RebuildRequests,
  SharedReading,
  type Sql,
} from './index.js';

/** Keeps each event of `toy-` streams with its place among them, so that one lost or repeated shows. */
class Toy implements Projection {
  readonly name = 'toys';
  readonly prefixes = ['toy-'];
  readonly tables = 'CREATE TABLE toys (n serial, name text NOT NULL)';
  readonly indexes = 'CREATE INDEX toys_n ON toys (n)';
  applied = 0;

  constructor(
    readonly version = 1,
    private readonly before: (events: readonly RecordedEvent[], sql: Sql) => Promise<void> = () =>
      Promise.resolve(),
    private readonly mark = '',
  ) {}

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    await sql.query('INSERT INTO toys (name) SELECT $2 || unnest($1::text[])', [
      events.map(({ data }) => (data as { name: string }).name),
      this.mark,
    ]);
    await this.before(events, sql);
    this.applied++;
  }
}

let fresh: Fresh;
let database: Database;
let clock: ReadModelClock;
let store: MemoryEventStore;
let reading: SharedReading;
let idle: IdleCheckpoints;
let projectors: Projector[];
let errors: string[];

beforeEach(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, [ReadModels1760000000001]);
  clock = new ReadModelClock(database);
  store = new MemoryEventStore(3);
  reading = new SharedReading(store);
  idle = new IdleCheckpoints(database);
  projectors = [];
  errors = [];
});
afterEach(async () => {
  await Promise.all(projectors.map((projector) => projector.stop()));
  await clock.close();
  await database.close();
  await fresh.drop();
});

async function happens(count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const metadata = {
      $correlationId: 'c',
      $causationId: 'c',
      actor: 'a',
      project: 'p',
      at: '2026-01-01T00:00:00.000Z',
    };
    const name = String(store.events.length + 1);
    await store.append(`toy-${name}`, 'none', [{ id: randomUUID(), type: 'Made', data: { name }, metadata }]);
  }
}

function project(toy: Projection, requests?: RebuildRequests): Projector {
  const log = { info: () => undefined, error: (message: string) => void errors.push(message) };
  const projector = new Projector(toy, {
    reading,
    idle,
    clock,
    log,
    url: fresh.url,
    ...(requests && { requests }),
  });
  projectors.push(projector);
  projector.start();
  return projector;
}

const caughtUp = async () => {
  expect(await clock.reached('toys', await store.head(), 120_000)).toBe(true);
};
const names = async () =>
  (await database.query<{ name: string }>('SELECT name FROM toys.toys ORDER BY n')).map(({ name }) => name);
const all = (mark = '') => store.events.map((_, n) => `${mark}${n + 1}`);

describe('a projector', () => {
  it('folds what was stored before it, and then what comes', async () => {
    await happens(10);
    project(new Toy());
    await caughtUp();
    await happens(5);
    await caughtUp();
    expect(await names()).toEqual(all());
  });

  it('goes on from its checkpoint after a stop, without another fold of what it has', async () => {
    await happens(4);
    await rebuiltFrom(new Toy());
    await happens(2);
    const seen: string[] = [];
    project(new Toy(1, (events) => Promise.resolve(void seen.push(...events.map(({ stream }) => stream)))));
    await caughtUp();
    expect(seen).toEqual(['toy-5', 'toy-6']);
    expect(await names()).toEqual(all());
  });

  it('loses and repeats nothing when it fails in the middle of a batch', async () => {
    await happens(8);
    const failing = new Set([0, 1]);
    const toy = new Toy(1, () => {
      if (failing.delete(toy.applied)) throw new Error('killed in the middle');
      return Promise.resolve();
    });
    project(toy);
    await caughtUp();
    await happens(6);
    await caughtUp();
    expect(errors.filter((error) => error.includes('killed in the middle'))).toHaveLength(2);
    expect(await names()).toEqual(all());
  });

  it('serves the old version while it builds the new one, then switches', async () => {
    await happens(7);
    await rebuiltFrom(new Toy(1));
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    let reached = (): void => undefined;
    const building = new Promise<void>((resolve) => (reached = resolve));
    project(
      new Toy(
        2,
        () => {
          reached();
          return held;
        },
        'new ',
      ),
    );
    await building;
    expect(await names()).toEqual(all());
    expect(await registered()).toEqual([
      { build: 'building', version: 2 },
      { build: 'serving', version: 1 },
    ]);
    release();
    await happens(1);
    await caughtUp();
    expect(await names()).toEqual(all('new '));
    expect(await registered()).toEqual([{ build: 'serving', version: 2 }]);
  });

  it('has Postgres look at what it built before that serves, so that it is read by good plans at once', async () => {
    await happens(7);
    await rebuiltFrom(new Toy());
    const seen = await database.query('SELECT attname, n_distinct FROM pg_stats WHERE schemaname = $1', [
      'toys',
    ]);
    expect(seen).toContainEqual({ attname: 'name', n_distinct: -1 });
  });

  it('leads alone of two that start together; the other takes over when it stops', async () => {
    await happens(3);
    const toys = [new Toy(), new Toy()];
    const both = toys.map((toy) => project(toy));
    for (let n = 0; n < 10; n++) {
      await caughtUp();
      await happens(3);
    }
    await caughtUp();
    expect(toys.filter(({ applied }) => applied > 0)).toHaveLength(1);
    const leader = toys.findIndex(({ applied }) => applied > 0);
    await both[leader]?.stop();
    await happens(3);
    await caughtUp();
    expect(toys[1 - leader]?.applied).toBeGreaterThan(0);
    expect([errors, await names()]).toEqual([[], all()]);
  });
});

/** Wants one rebuild, once it is asked for and until it has ended. */
class OneRebuild extends RebuildRequests {
  ask = (): void => undefined;
  readonly ends: string[] = [];
  private readonly asked = new Promise<void>((resolve) => (this.ask = resolve));

  async *of(_: string, signal: AbortSignal): AsyncGenerator<RebuildJob> {
    const over = new Promise((resolve) => {
      if (signal.aborted) resolve(undefined);
      signal.addEventListener('abort', resolve, { once: true });
    });
    await Promise.race([this.asked, over]);
    if (!signal.aborted && this.ends.length === 0) yield this.job();
    await over;
  }

  private job(): RebuildJob {
    const ended = (end: string) => Promise.resolve(void this.ends.push(end));
    const abandoned = new AbortController().signal;
    return { mode: 'rebuild', abandoned, completed: () => ended('completed'), failed: ended };
  }
}

describe('a rebuild', () => {
  it('is begun again when a statement is the first to tell that its connection is cut', async () => {
    await happens(4);
    const requests = new OneRebuild();
    let cut = false;
    const toy = new Toy(1, async (_, sql) => {
      const [{ schema } = { schema: '' }] = await sql.query<{ schema: string }>(
        'SELECT current_schema() AS schema',
      );
      if (cut || schema !== 'toys_next' || toy.applied < 3) return;
      cut = true;
      throw Object.assign(new Error('terminating connection due to administrator command'), {
        code: '57P01',
      });
    });
    project(toy, requests);
    await caughtUp();
    requests.ask();
    await until(() => Promise.resolve(requests.ends.length > 0));
    expect([cut, requests.ends, await registered()]).toEqual([
      true,
      ['completed'],
      [{ build: 'serving', version: 1 }],
    ]);
    expect(await names()).toEqual(all());
  });

  it('does nothing again that was done elsewhere, and what serves goes on doing it', async () => {
    const done: string[] = [];
    class Doing extends Toy {
      readonly rows = new Toy();
      override async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
        await super.apply(sql, events);
        done.push(...events.map(({ stream }) => stream));
      }
    }
    const requests = new OneRebuild();
    await happens(4);
    const doing = new Doing();
    project(doing, requests);
    await caughtUp();
    requests.ask();
    await until(() => Promise.resolve(requests.ends.length > 0));
    expect(doing.rows.applied).toBeGreaterThan(0);
    await happens(2);
    await caughtUp();
    expect([done, await names()]).toEqual([all('toy-'), all()]);
  });

  it('that nobody wants any more, and nobody has thrown away, is thrown away by who leads next', async () => {
    await happens(2);
    await rebuiltFrom(new Toy());
    await database.query('CREATE SCHEMA toys_next');
    await database.query(
      `INSERT INTO runledger.projections (name, build, version) VALUES ('toys', 'building', 1)`,
    );
    project(new Toy(), new OneRebuild());
    await until(async () => (await registered()).length === 1);
    expect(await registered()).toEqual([{ build: 'serving', version: 1 }]);
  });

  it('does not take the place of what a successor already writes to', async () => {
    await happens(3);
    const requests = new OneRebuild();
    project(new Toy(), requests);
    await caughtUp();
    const held = new Client({ connectionString: fresh.url });
    await held.connect();
    await held.query('BEGIN');
    await held.query(`SELECT 1 FROM runledger.projections WHERE build = 'serving' FOR UPDATE`);
    requests.ask();
    await until(async () => (await waiting()).length === 1);
    const swapping = await waiting();
    project(new Toy());
    await database.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
         AND objid::bigint = hashtext('toys')::bigint & 4294967295`,
    );
    await happens(1);
    await until(async () => (await waiting()).some((pid) => !swapping.includes(pid)));
    await held.query('COMMIT');
    await held.end();
    await happens(1);
    await caughtUp();
    expect(await names()).toEqual(all());
  });
});

/** The connections that wait for a row. */
const waiting = async () =>
  (
    await database.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event <> 'advisory'`,
    )
  ).map(({ pid }) => pid);

async function rebuiltFrom(toy: Toy): Promise<void> {
  const projector = project(toy);
  await caughtUp();
  await projector.stop();
}

const registered = () =>
  database.query("SELECT build, version FROM runledger.projections WHERE name = 'toys' ORDER BY build");
