import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { bulkOf, isBulk } from './bulk.js';

test('what hardly repeats itself is not worth being compressed: random bytes as base64', () => {
  expect(isBulk(JSON.stringify({ base64: randomBytes(100_000).toString('base64') }))).toBe(true);
});

test('text is, as base64 too, and whatever is short', () => {
  const text = readFileSync('schema.sql');
  expect(isBulk(text.toString())).toBe(false);
  expect(isBulk(Buffer.concat([text, text]).toString('base64'))).toBe(false);
  expect(isBulk(randomBytes(10_000).toString('base64'))).toBe(false);
});

test('of much that is stored together nothing long is compressed, be it text', () => {
  const text = readFileSync('schema.sql').toString().repeat(4);
  const few = [text, randomBytes(100_000).toString('base64'), 'short'];
  expect(few.join('').length).toBeLessThan(512 * 1024);
  expect(bulkOf(few)).toEqual([false, true, false]);
  const many = Array.from({ length: 16 }, () => text);
  expect(bulkOf([...many, 'short'])).toEqual([...many.map(() => true), false]);
});
