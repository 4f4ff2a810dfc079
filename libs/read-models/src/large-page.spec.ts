import { expect, it } from '@jest/globals';
import { LargePage } from './large-page.js';

const small = 512 * 1024;
const large = small + 1;

it('pages that have become large are gone on with one after the other, small ones at once', async () => {
  const pages = Array.from({ length: 3 }, () => new LargePage());
  const told: number[] = [];
  const [first, second, third] = pages.map(async (page, n) => {
    await page.grown(small);
    await page.grown(large);
    told.push(n);
    // Who has the turn keeps it.
    await page.grown(2 * large);
  });
  await first;
  expect(new LargePage().grown(small)).toBeUndefined();
  await new Promise(setImmediate);
  expect(told).toEqual([0]);
  pages[0]?.end();
  await second;
  expect(told).toEqual([0, 1]);
  pages[1]?.end();
  await third;
  pages[2]?.end();
});

it('one that ends while it waits holds up nobody', async () => {
  const [first, second, third] = [new LargePage(), new LargePage(), new LargePage()];
  await first.grown(large);
  const waiting = second.grown(large);
  second.end();
  const last = third.grown(large);
  first.end();
  await Promise.all([waiting, last]);
  third.end();
});
