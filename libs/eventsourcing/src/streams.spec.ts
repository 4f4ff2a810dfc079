import { describe, expect, it, jest } from '@jest/globals';
import fc from 'fast-check';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { Causation, type CommandSeed } from './causation.js';
import { type Decider, fold, RuleViolation } from './decider.js';
import type { Fact } from './event.js';
import { type Snapshot, Snapshots } from './snapshots.js';
import { Streams } from './streams.js';
import { StreamTurns } from './stream-turns.js';
import { Upcasters } from './upcasting.js';

type Added = Fact<'Added', { n: number }>;
const counter: Decider<number, Added> = { initial: 0, evolve: (sum, { data }) => sum + data.n };
const add = (n: number) => (): Added[] => [{ type: 'Added', data: { n } }];
const principal = { principalId: 'ann', projectId: 'default', userId: 'ann', role: 'user' } as const;
const causation = (seed?: CommandSeed) => new Causation(principal, seed === undefined ? {} : { seed });

type Set = Fact<'Set', { n: number }>;
/** Sums up what was added since it was set. */
const settable: Decider<number, Added | Set> = {
  initial: 0,
  evolve: (sum, { type, data: { n } }) => (type === 'Set' ? n : sum + n),
  isOrigin: ({ type }) => type === 'Set',
};

/** Its state is kept from time to time. */
const kept: Decider<number, Added> = {
  ...counter,
  snapshot: {
    version: 2,
    every: 500,
    toJson: (sum) => ({ sum }),
    fromJson: (json) => (json as { sum: number }).sum,
  },
};

class MemorySnapshots extends Snapshots {
  readonly taken = new Map<string, Snapshot>();
  readonly revisions: number[] = [];

  override load(stream: string, version: number) {
    const found = this.taken.get(stream);
    return Promise.resolve(found?.version === version ? found : undefined);
  }

  override keep(stream: string, take: () => Snapshot) {
    const snapshot = take();
    this.taken.set(stream, snapshot);
    this.revisions.push(snapshot.revision);
  }
}

/** Counts the events that are read of it. */
class CountingStore extends MemoryEventStore {
  read = 0;

  override async *readStream(...args: Parameters<MemoryEventStore['readStream']>) {
    for await (const event of super.readStream(...args)) {
      this.read++;
      yield event;
    }
  }
}

/** Its next append and its next read wait for what is put in their way, and fail with it. */
class HeldStore extends MemoryEventStore {
  beforeAppend: Promise<void> | undefined;
  beforeRead: Promise<void> | undefined;

  override async append(...args: Parameters<MemoryEventStore['append']>) {
    const held = this.beforeAppend;
    this.beforeAppend = undefined;
    await held;
    return super.append(...args);
  }

  override async *readStream(...args: Parameters<MemoryEventStore['readStream']>) {
    const held = this.beforeRead;
    this.beforeRead = undefined;
    await held;
    yield* super.readStream(...args);
  }
}

/** What is put in the way, and what takes it away. */
function gate(): { gate: Promise<void>; open: () => void; fail: (error: Error) => void } {
  let open = (): void => undefined;
  let fail = (_error: Error): void => undefined;
  const gate = new Promise<void>((resolve, reject) => ([open, fail] = [resolve, reject]));
  return { gate, open, fail };
}

describe('a command on a stream', () => {
  it('is decided on the state of the stream, and its facts are stored with their cause', async () => {
    const store = new MemoryEventStore();
    const streams = new Streams(store);
    const cause = causation();
    await streams.execute(counter, 's', cause, add(2));
    const outcome = await streams.execute(counter, 's', causation(), (sum) => add(sum * 10)());
    expect(outcome).toMatchObject({ state: 22, revision: 1, position: 2n });
    expect(store.events[0]).toMatchObject({
      stream: 's',
      type: 'Added',
      data: { n: 2 },
      metadata: {
        $correlationId: cause.id,
        $causationId: cause.id,
        actor: 'ann',
        project: 'default',
        at: cause.at,
      },
    });
  });

  it('stores nothing when there is nothing to do', async () => {
    const store = new MemoryEventStore();
    const outcome = await new Streams(store).execute(counter, 's', causation(), () => []);
    expect(outcome).toMatchObject({ state: 0, events: [], revision: -1, through: -1, position: undefined });
    expect(store.events).toEqual([]);
  });

  it.each([
    ['this process', 0],
    ['another process', 1],
  ])(
    'tells up to where a read must have come to see why there was nothing to do: %s was first',
    async (_, n) => {
      const store = new MemoryEventStore();
      const streams = [new Streams(store), new Streams(store)] as const;
      await streams[0].execute(counter, 'other', causation(), add(1));
      await streams[1].execute(counter, 's', causation(), add(1));
      const { position } = await (streams[n] as Streams).execute(counter, 's', causation(), add(1));
      await streams[0].execute(counter, 'other', causation(), add(1));
      const nothing = { events: [], revision: 1, position };
      expect(await streams[0].execute(counter, 's', causation(), () => [])).toMatchObject(nothing);
      // Nothing is new to it this time.
      expect(await streams[0].execute(counter, 's', causation(), () => [])).toMatchObject(nothing);
    },
  );

  it('is decided again when another process was first', async () => {
    const store = new MemoryEventStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    await one.execute(counter, 's', causation(), add(1));
    await two.execute(counter, 's', causation(), add(1));
    const seen: number[] = [];
    const outcome = await one.execute(counter, 's', causation(), (sum) => {
      seen.push(sum);
      return add(5)();
    });
    expect(seen).toEqual([1, 2]);
    expect(outcome.state).toBe(7);
  });

  it('is not refused on a state that is old', async () => {
    const store = new MemoryEventStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    await one.load(counter, 's');
    await two.execute(counter, 's', causation(), add(1));
    const decide = (sum: number): Added[] => {
      if (sum === 0) throw new RuleViolation('empty', 'there is nothing yet');
      return add(1)();
    };
    expect((await one.execute(counter, 's', causation(), decide)).state).toBe(2);
  });

  it('does not fail for what an old state has brought it to', async () => {
    const store = new MemoryEventStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    await one.load(counter, 's');
    await two.execute(counter, 's', causation(), add(1));
    const decide = (sum: number): Added[] => {
      if (sum === 0) throw new TypeError('of what is outside the stream, this is gone');
      return add(1)();
    };
    expect((await one.execute(counter, 's', causation(), decide)).state).toBe(2);
  });

  it('is refused on the state that the store confirms, and stores nothing', async () => {
    const store = new MemoryEventStore();
    const refused = new Streams(store).execute(counter, 's', causation(), () => {
      throw new RuleViolation('never', 'not today');
    });
    await expect(refused).rejects.toMatchObject({ code: 'never' });
    expect(store.events).toEqual([]);
  });

  it('loses none of a hundred at once, from two processes', async () => {
    const store = new MemoryEventStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    const done = Array.from({ length: 100 }, (_, n) =>
      (n % 2 === 0 ? one : two).execute(counter, 's', causation(), add(1)),
    );
    await Promise.all(done);
    expect(await new Streams(store).load(counter, 's')).toMatchObject({ state: 100, revision: 99 });
  });

  it('that is run again after a crash finds what it had stored', async () => {
    const store = new MemoryEventStore();
    const seed = { id: 'command', at: Date.parse('2026-01-01T00:00:00Z'), recovering: false };
    const first = await new Streams(store).execute(counter, 's', causation(seed), add(1));
    const again = causation({ ...seed, recovering: true });
    // By the clock of another server, which is behind.
    const other = { id: 'other', at: seed.at - 1_800_000, recovering: false };
    await new Streams(store).execute(counter, 's', causation(other), add(2));
    const second = await new Streams(store).execute(counter, 's', again, add(1));
    expect(second.events.map(({ id }) => id)).toEqual(first.events.map(({ id }) => id));
    expect(second).toMatchObject({ state: 3, revision: 1, position: first.position });
    expect(store.events).toHaveLength(2);
  });

  it('gives each event an id of its own, also where it writes to one stream twice', async () => {
    const store = new MemoryEventStore();
    const streams = new Streams(store);
    const seed = { id: 'command', at: Date.parse('2026-01-01T00:00:00Z'), recovering: false };
    const cause = causation(seed);
    await streams.execute(counter, 's', cause, add(1));
    await streams.execute(counter, 's', cause, add(2));
    expect(new Set(store.events.map(({ id }) => id)).size).toBe(2);
  });

  it('is not refused because of what another one has not stored yet, and never will', async () => {
    const store = new HeldStore();
    const streams = new Streams(store);
    const append = gate();
    store.beforeAppend = append.gate;
    const lost = streams.execute(counter, 's', causation(), add(1));
    const next = streams.execute(counter, 's', causation(), (sum) => {
      if (sum > 0) throw new RuleViolation('full', 'there is one already');
      return add(1)();
    });
    append.fail(new Error('the store is gone'));
    await expect(lost).rejects.toThrow('the store is gone');
    expect(await next).toMatchObject({ state: 1, revision: 0 });
  });

  it('is not in the way of others that come to an unknown stream at the same moment', async () => {
    const store = new MemoryEventStore();
    await new Streams(store).execute(counter, 's', causation(), add(1));
    const append = jest.spyOn(store, 'append');
    const streams = new Streams(store);
    await Promise.all(Array.from({ length: 20 }, () => streams.execute(counter, 's', causation(), add(1))));
    expect(await streams.load(counter, 's')).toMatchObject({ state: 21, revision: 20 });
    expect(append).toHaveBeenCalledTimes(20);
  });

  it('is not refused on an old state that another one is just being decided on', async () => {
    const store = new MemoryEventStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    await one.execute(counter, 's', causation(), add(1));
    await two.execute(counter, 's', causation(), add(1));
    const fromTwo = one.execute(counter, 's', causation(), (sum) => {
      if (sum % 100 < 2) throw new RuleViolation('gap', 'there must be two');
      return add(1)();
    });
    await Promise.all([fromTwo, one.execute(counter, 's', causation(), add(100))]);
    expect(await two.load(counter, 's')).toMatchObject({ state: 103, revision: 3 });
  });

  it('is not refused on an old state that another one was decided on while it was confirmed', async () => {
    const store = new HeldStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    await one.execute(counter, 's', causation(), add(1));
    await two.execute(counter, 's', causation(), add(1));
    const [read, append] = [gate(), gate()];
    store.beforeRead = read.gate;
    const fromTwo = one.execute(counter, 's', causation(), (sum) => {
      if (sum % 100 < 2) throw new RuleViolation('gap', 'there must be two');
      return add(1)();
    });
    await new Promise(setImmediate);
    store.beforeAppend = append.gate;
    const other = one.execute(counter, 's', causation(), add(100));
    read.open();
    await new Promise(setImmediate);
    append.open();
    await Promise.all([fromTwo, other]);
    expect(await two.load(counter, 's')).toMatchObject({ state: 103, revision: 3 });
  });
});

describe('the state of a stream', () => {
  it('is kept by whoever asks first: the next one reads the tail alone', async () => {
    const store = new CountingStore();
    await new Streams(store).execute(counter, 's', causation(), () => [...add(1)(), ...add(2)()]);
    const streams = new Streams(store);
    await streams.load(counter, 's');
    const { read } = store;
    expect(await streams.load(counter, 's')).toMatchObject({ state: 3, revision: 1 });
    expect(store.read).toBe(read);
  });

  it('is read from its beginning once, however many come to an unknown stream meanwhile', async () => {
    const store = new CountingStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    for (let n = 0; n < 50; n++) await one.execute(counter, 's', causation(), add(1));
    store.read = 0;
    const loads = Array.from({ length: 20 }, () => two.load(counter, 's'));
    for (const load of loads) expect(await load).toMatchObject({ state: 50, revision: 49 });
    expect(store.read).toBe(50);
  });

  it('that cannot be read fails all who wait for it, and whoever comes then reads it', async () => {
    const store = new HeldStore();
    await new Streams(store).execute(counter, 's', causation(), add(1));
    const streams = new Streams(store);
    const read = gate();
    store.beforeRead = read.gate;
    const loads = Array.from({ length: 3 }, () => streams.load(counter, 's'));
    read.fail(new Error('the store is gone'));
    for (const load of loads) await expect(load).rejects.toThrow('the store is gone');
    expect(await streams.load(counter, 's')).toMatchObject({ state: 1, revision: 0 });
  });

  it('is read on from what is known to be stored, where an append came too late', async () => {
    const store = new CountingStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    for (let n = 0; n < 5; n++) await one.execute(counter, 's', causation(), add(1));
    await two.execute(counter, 's', causation(), add(10));
    store.read = 0;
    const both = [
      one.execute(counter, 's', causation(), add(100)),
      one.execute(counter, 's', causation(), add(100)),
    ];
    await Promise.all(both);
    expect(store.read).toBeLessThanOrEqual(2);
    expect(await one.load(counter, 's')).toMatchObject({ state: 215, revision: 7 });
  });

  it('has nothing of an append that fails meanwhile', async () => {
    const store = new HeldStore();
    const streams = new Streams(store);
    await streams.execute(counter, 's', causation(), add(1));
    const append = gate();
    store.beforeAppend = append.gate;
    const lost = streams.execute(counter, 's', causation(), add(100));
    const loaded = streams.load(counter, 's');
    // Who does not wait has the state by now.
    await new Promise(setImmediate);
    append.fail(new Error('the store is gone'));
    await expect(lost).rejects.toThrow('the store is gone');
    expect(await loaded).toMatchObject({ state: 1, revision: 0 });
  });

  it('has nothing of an append that is begun meanwhile and fails', async () => {
    const store = new HeldStore();
    const streams = new Streams(store);
    await streams.execute(counter, 's', causation(), add(1));
    const loaded = streams.load(counter, 's');
    const append = gate();
    store.beforeAppend = append.gate;
    const lost = streams.execute(counter, 's', causation(), add(100));
    await new Promise(setImmediate);
    append.fail(new Error('the store is gone'));
    await expect(lost).rejects.toThrow('the store is gone');
    expect(await loaded).toMatchObject({ state: 1, revision: 0 });
  });

  it('has what another process stored, and not what failed at its place', async () => {
    const store = new HeldStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    await one.execute(counter, 's', causation(), add(1));
    await two.execute(counter, 's', causation(), add(10));
    const read = gate();
    store.beforeRead = read.gate;
    const loaded = one.load(counter, 's');
    await Promise.resolve();
    store.beforeAppend = Promise.reject(new Error('the store is gone'));
    await expect(one.execute(counter, 's', causation(), add(100))).rejects.toThrow('the store is gone');
    read.open();
    expect(await loaded).toMatchObject({ state: 11, revision: 1 });
  });

  it('has each event once, also where a stream that was deleted goes on numbering', async () => {
    const store = new MemoryEventStore();
    const streams = new Streams(store);
    const append = store.append.bind(store);
    store.append = async (stream, _expected, events) => {
      const { position } = await append(stream, 'any', events);
      for (const event of store.events) Object.assign(event, { revision: 7 });
      return { position, revision: 7 };
    };
    const outcome = await streams.execute(counter, 's', causation(), add(1));
    expect(outcome.revision).toBe(7);
    expect(await streams.load(counter, 's')).toMatchObject({ state: 1, revision: 7 });
  });
});

describe('a glance at a stream', () => {
  it('is as old as it may be', async () => {
    const store = new MemoryEventStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    await one.execute(counter, 's', causation(), add(1));
    await two.execute(counter, 's', causation(), add(1));
    expect([await one.glance(counter, 's', 60_000), await one.glance(counter, 's', 0)]).toEqual([1, 2]);
    expect(await one.glance(counter, 's')).toBe(2);
  });

  it('may be old, but sees a stream that looked empty', async () => {
    const store = new MemoryEventStore();
    const [one, two] = [new Streams(store), new Streams(store)];
    expect(await one.glance(counter, 's')).toBe(0);
    await two.execute(counter, 's', causation(), add(1));
    expect(await one.glance(counter, 's')).toBe(1);
  });
});

describe('a fold', () => {
  it('from the last origin on is the fold of all, and no more than that is read', async () => {
    const fact = fc.record({
      type: fc.constantFrom('Added', 'Added', 'Set'),
      data: fc.record({ n: fc.nat(9) }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fact), fact, async (before, last) => {
        const store = new CountingStore();
        const facts = before as (Added | Set)[];
        if (facts.length > 0) await new Streams(store).execute(settable, 's', causation(), () => facts);
        store.read = 0;
        const streams = new Streams(store);
        const { state, revision } = await streams.load(settable, 's');
        expect([state, revision]).toEqual([fold(settable, store.events), facts.length - 1]);
        expect(store.read).toBe(
          facts.length -
            Math.max(
              0,
              facts.findLastIndex(({ type }) => type === 'Set'),
            ),
        );
        await streams.execute(settable, 's', causation(), () => [last as Added | Set]);
        expect((await streams.load(settable, 's')).state).toBe(fold(settable, store.events));
      }),
    );
  });

  it('from a snapshot on is the fold of all, and little more than what came behind it is read', async () => {
    const batch = fc.record({ count: fc.integer({ min: 1, max: 700 }), another: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(batch, { minLength: 1, maxLength: 8 }), async (batches) => {
        const store = new CountingStore();
        const snapshots = new MemorySnapshots();
        const process = () => new Streams(store, new StreamTurns(), snapshots);
        const both = [process(), process()] as const;
        for (const { count, another } of batches) {
          const facts = Array.from({ length: count }, (_, n) => ({ type: 'Added' as const, data: { n } }));
          await both[another ? 1 : 0].execute(kept, 's', causation(), () => facts);
        }
        const total = store.events.length;
        const last = snapshots.taken.get('s')?.revision ?? -1;
        expect(total - last).toBeLessThanOrEqual(2 * 700 + 500);
        store.read = 0;
        const { state, revision } = await process().load(kept, 's');
        expect([state, revision]).toEqual([fold(kept, store.events), total - 1]);
        expect(store.read).toBe(total - Math.max(0, last));
      }),
      { numRuns: 50 },
    );
  });

  it('has a snapshot every 500 events, however they come', async () => {
    const store = new MemoryEventStore();
    const [ours, theirs] = [new MemorySnapshots(), new MemorySnapshots()];
    const of = (snapshots: Snapshots) => new Streams(store, new StreamTurns(), snapshots);
    const facts = Array.from({ length: 100 }, () => ({ type: 'Added' as const, data: { n: 1 } }));
    const one = of(ours);
    for (let n = 0; n < 12; n++) await one.execute(kept, 's', causation(), () => facts);
    expect(ours.revisions).toEqual([499, 999]);
    const again = of(ours);
    for (let n = 0; n < 4; n++) await again.execute(kept, 's', causation(), () => facts);
    expect(ours.revisions).toEqual([499, 999, 1_499]);
    const other = of(theirs);
    for (let n = 0; n < 8; n++) {
      await other.execute(kept, 's', causation(), add(1));
      await again.execute(kept, 's', causation(), () => facts);
    }
    expect(ours.revisions).toEqual([499, 999, 1_499, 2_003]);
    expect(theirs.revisions).toEqual([1_600, 2_105]);
  });

  it.each<[string, Partial<Snapshot>]>([
    ['of another history', { eventId: '01900000-0000-7000-8000-000000000001' }],
    ['of another fold', { version: 1 }],
    ['of a revision that the stream has not come to', { revision: 5_000 }],
  ])('from a snapshot %s on is none: all is read', async (_, wrong) => {
    const store = new CountingStore();
    const snapshots = new MemorySnapshots();
    const facts = Array.from({ length: 600 }, (__, n) => ({ type: 'Added' as const, data: { n } }));
    await new Streams(store, new StreamTurns(), snapshots).execute(kept, 's', causation(), () => facts);
    const right = snapshots.taken.get('s') as Snapshot;
    snapshots.taken.set('s', { ...right, state: { sum: -1 }, ...wrong });
    store.read = 0;
    const { state } = await new Streams(store, new StreamTurns(), snapshots).load(kept, 's');
    expect(state).toBe(fold(kept, store.events));
    expect(store.read).toBeGreaterThanOrEqual(600);
  });

  it('in any batches is the fold at once', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer(), { maxLength: 20 }), fc.nat(), async (numbers, cut) => {
        const store = new MemoryEventStore();
        const streams = new Streams(store);
        for (const n of numbers) await streams.execute(counter, 's', causation(), add(n));
        const half = cut % (numbers.length + 1);
        const first = fold(counter, store.events.slice(0, half));
        const parts = fold({ ...counter, initial: first }, store.events.slice(half));
        expect(parts).toBe(fold(counter, store.events));
        expect((await streams.load(counter, 's')).state).toBe(parts);
      }),
    );
  });
});

describe('old shapes', () => {
  const upcasters = new Upcasters({
    Added: [(data) => ({ n: data['amount'] }), ({ n }) => ({ n: Number(n) * 100 })],
  });

  it('are mapped step by step when they are read, and written as the newest', async () => {
    const store = new MemoryEventStore();
    const metadata = {
      $correlationId: 'c',
      $causationId: 'c',
      actor: 'a',
      project: 'p',
      at: '2020-01-01T00:00:00.000Z',
    };
    await store.append('s', 'none', [
      { id: '1', type: 'Added', data: { amount: 1 }, metadata },
      { id: '2', type: 'Added', data: { n: 2 }, metadata: { ...metadata, schemaVersion: 2 } },
      { id: '3', type: 'Added', data: { n: 3 }, metadata: { ...metadata, schemaVersion: 3 } },
      { id: '4', type: 'Other', data: {}, metadata },
    ]);
    expect(store.events.map((event) => upcasters.upcast(event).data)).toEqual([
      { n: 100 },
      { n: 200 },
      { n: 3 },
      {},
    ]);
    expect([upcasters.version('Added'), upcasters.version('Other')]).toEqual([3, 1]);
  });
});
