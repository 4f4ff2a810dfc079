import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { EventStream } from './event-stream.js';
import { FeedFollower } from './feed-follower.js';
import { type Feed, Placed } from './placed.js';

interface Told {
  readonly n: number;
}

/** What a client got, and whether its socket is full. */
class FakeStream {
  readonly frames: string[] = [];
  open = true;
  full = false;
  private waiting: (() => void)[] = [];

  write(text: string): void {
    this.frames.push(...text.split('\n\n').filter((frame) => frame !== ''));
  }

  fill(): void {
    this.full = true;
  }

  drain(): void {
    this.full = false;
    for (const done of this.waiting.splice(0)) done();
  }

  async drained(): Promise<void> {
    while (this.full && this.open) await new Promise<void>((done) => this.waiting.push(done));
  }

  end(): void {
    this.open = false;
  }

  cut(): void {
    this.open = false;
  }

  quietFor(): number {
    return 60_000;
  }

  /** The ids of the events, in the order in which they came. */
  ids(): number[] {
    return this.frames.flatMap((frame) => Number(/^id: (\d+)\nevent: told/.exec(frame)?.[1] ?? NaN) || []);
  }
}

/** A feed whose reading takes some turns of the event loop, so that things happen in between. */
class FakeFeed implements Feed<Told> {
  readonly stored: Placed<Told>[] = [];
  reads = 0;

  store(ends = false): Placed<Told> {
    const place = this.stored.length + 1;
    const placed = new Placed(place, 'told', { n: place }, ends);
    this.stored.push(placed);
    return placed;
  }

  async *read(from: number, _order: 'asc' | 'desc', limit = Infinity): AsyncGenerator<Placed<Told>> {
    this.reads++;
    await turn();
    const found = this.stored.filter(({ place }) => place > from).slice(0, limit);
    await turn();
    for (const placed of found) yield placed;
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const settle = async (): Promise<void> => {
  for (let n = 0; n < 50; n++) await turn();
};

type Step =
  | { readonly kind: 'store'; readonly count: number; readonly heard: 'at once' | 'late' | 'twice' }
  | { readonly kind: 'fill' | 'drain' | 'turn' | 'tick' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('store' as const),
    count: fc.integer({ min: 1, max: 4 }),
    heard: fc.constantFrom('at once' as const, 'late' as const, 'twice' as const),
  }),
  fc.record({ kind: fc.constantFrom('fill' as const, 'drain' as const, 'turn' as const) }),
);

const followed = (after: number, wanted: (told: Told) => boolean, held?: number) => {
  const [stream, feed] = [new FakeStream(), new FakeFeed()];
  return {
    stream,
    feed,
    follow: () => new FeedFollower(stream as unknown as EventStream, feed, wanted, after, false, held),
  };
};

test('whatever is heard when, and however slowly a client reads, it gets each event once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 40 }),
      fc.integer({ min: 0, max: 5 }),
      fc.constantFrom(1, 2, 3),
      fc.constantFrom(0, 200, 64_000),
      async (steps, after, every, held) => {
        const { stream, feed, follow } = followed(after, ({ n }) => n % every === 0, held);
        for (let n = 0; n < 5; n++) feed.store();
        const follower = follow();
        follower.wake();
        let unheard: Placed<Told>[][] = [];
        for (const one of steps) {
          if (one.kind === 'fill') stream.fill();
          else if (one.kind === 'drain') stream.drain();
          else if (one.kind === 'store') {
            const batch = Array.from({ length: one.count }, () => feed.store());
            unheard.push(batch);
            if (one.heard === 'twice') unheard.push(batch);
            if (one.heard === 'late') continue;
            for (const heard of unheard) follower.live(heard, (heard[0]?.place ?? 1) - 1);
            unheard = [];
          } else await turn();
        }
        stream.drain();
        for (const heard of unheard) follower.live(heard, (heard[0]?.place ?? 1) - 1);
        await settle();
        const all = feed.stored.map(({ place }) => place);
        expect(stream.ids()).toEqual(all.filter((place) => place > after && place % every === 0));
      },
    ),
    { numRuns: 200 },
  );
});

test('a gap in what is heard is filled from what is stored', async () => {
  const { stream, feed, follow } = followed(0, () => true);
  const follower = follow();
  feed.store();
  const heard = feed.store();
  follower.live([heard], 1);
  await settle();
  expect(stream.ids()).toEqual([1, 2]);
  stream.fill();
  const [next] = [feed.store(), feed.store()];
  follower.live([next], 2);
  follower.live([feed.store()], 4);
  stream.drain();
  await settle();
  expect(stream.ids()).toEqual([1, 2, 3, 4, 5]);
});

test('what is heard while the client has no room is not read again, as far as it is held', async () => {
  for (const [held, reads] of [
    [64_000, 1],
    [300, 2],
  ] as const) {
    const { stream, feed, follow } = followed(0, () => true, held);
    const follower = follow();
    follower.wake();
    await settle();
    stream.fill();
    for (let n = 0; n < 10; n++) follower.live([feed.store()], n);
    stream.drain();
    await settle();
    expect(stream.ids()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(feed.reads).toBe(reads);
  }
});

test('after the last event comes the end, and nothing else', async () => {
  for (const filtered of [true, false]) {
    const { stream, feed, follow } = followed(0, () => !filtered);
    const follower = follow();
    follower.live([feed.store()], 0);
    follower.live([feed.store(true)], 1);
    follower.live([feed.store()], 2);
    await settle();
    expect(stream.ids()).toEqual(filtered ? [] : [1, 2]);
    expect(stream.frames.at(-1)).toMatch(/^event: end/);
    expect(stream.open).toBe(false);
  }
});

test('closed while it reads, it sends what was stored by then before the end', async () => {
  const { stream, feed, follow } = followed(0, () => true);
  const follower = follow();
  feed.store();
  follower.wake();
  await turn();
  await turn();
  feed.store();
  follower.close();
  await settle();
  expect(stream.ids()).toEqual([1, 2]);
  expect(stream.frames.at(-1)).toMatch(/^event: end/);
});

test('a quiet filtered reader is kept alive each time, and moved on by the first', () => {
  const { stream, feed, follow } = followed(0, () => false);
  const follower = follow();
  follower.live([feed.store(), feed.store()], 0);
  follower.tick(0, 15_000);
  follower.tick(0, 15_000);
  expect(stream.frames).toEqual(['id: 2\nevent: bookmark\ndata: {}', ': keepalive', ': keepalive']);
});

test('a reader whose socket stays full is cut', () => {
  const { stream, follow } = followed(0, () => true);
  stream.fill();
  follow().tick(0, 15_000);
  expect(stream.open).toBe(false);
});
