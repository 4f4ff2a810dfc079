import { expect, test } from '@jest/globals';
import { placed as placedAt, type PlacedEvent } from './placed.js';
import type { SessionFeed } from './session-feed.js';
import { type FeedListener, SessionTail } from './session-tail.js';

/** A feed of so many events, and how often it was read. */
class Feed {
  reads = 0;
  broken = false;

  constructor(public length: number) {}

  last(): Promise<number> {
    return Promise.resolve(this.length);
  }

  async *read(from: number): AsyncGenerator<PlacedEvent> {
    this.reads++;
    await Promise.resolve();
    if (this.broken) throw new Error('the database does not answer');
    for (let place = from + 1; place <= this.length; place++) yield placedAt(place, undefined);
  }
}

class Listener implements FeedListener {
  readonly told: (readonly number[])[] = [];
  woken = 0;

  live(placed: readonly PlacedEvent[], from: number): void {
    this.told.push([from, ...placed.map(({ place }) => place)]);
  }

  wake(): void {
    this.woken++;
  }
}

const settled = () => new Promise(setImmediate);

/** The tail of a feed with listeners that know where it began. */
async function following(feed: Feed): Promise<{ tail: SessionTail; listeners: Listener[] }> {
  const tail = new SessionTail(feed as unknown as SessionFeed);
  const listeners = [new Listener(), new Listener()];
  for (const listener of listeners) tail.listeners.add(listener);
  tail.look();
  await settled();
  return { tail, listeners };
}

test('at first each listener looks for itself at what is there', async () => {
  const feed = new Feed(3);
  const { listeners } = await following(feed);
  expect([feed.reads, ...listeners.map(({ woken }) => woken)]).toEqual([0, 1, 1]);
});

test('what is new is read once for all, and told with the place it stands behind', async () => {
  const feed = new Feed(3);
  const { tail, listeners } = await following(feed);
  feed.length = 5;
  tail.look();
  await settled();
  expect(feed.reads).toBe(1);
  for (const { told } of listeners) expect(told).toEqual([[3, 4, 5]]);
});

test('a look that is asked for while another is under way is not forgotten', async () => {
  const feed = new Feed(3);
  const { tail, listeners } = await following(feed);
  tail.look();
  feed.length = 4;
  tail.look();
  await settled();
  expect(listeners[0]?.told.flat()).toContain(4);
});

test('when the feed cannot be read, each listener finds out for itself, and nothing is missed', async () => {
  const feed = new Feed(3);
  const { tail, listeners } = await following(feed);
  Object.assign(feed, { length: 4, broken: true });
  tail.look();
  await settled();
  expect(listeners.map(({ woken }) => woken)).toEqual([2, 2]);
  Object.assign(feed, { length: 5, broken: false });
  tail.look();
  await settled();
  expect(listeners[0]?.told).toEqual([[3, 4, 5]]);
});
