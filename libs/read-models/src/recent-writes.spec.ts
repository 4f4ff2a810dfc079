import { describe, expect, it } from '@jest/globals';
import type { ReadModelClock } from './read-model-clock.js';
import { RecentWrites } from './recent-writes.js';

describe('a read right after writes of this process', () => {
  const waits: unknown[] = [];
  const clock = {
    reached: (projection: string, position: bigint) => {
      waits.push([projection, position]);
      return Promise.resolve(true);
    },
  };
  const writes = new RecentWrites(clock as unknown as ReadModelClock);

  it('waits for the newest, in whatever order they were told of', async () => {
    writes.wrote('a', 7n);
    writes.wrote('a', 9n);
    writes.wrote('a', 8n);
    writes.wrote('a', undefined);
    await writes.settled('runs', 'a');
    expect(waits.splice(0)).toEqual([['runs', 9n]]);
  });

  it('waits for nothing when nothing was written', async () => {
    await writes.settled('runs', 'b');
    expect(waits).toEqual([]);
  });
});
