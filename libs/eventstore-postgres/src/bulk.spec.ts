import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { isBulk } from './bulk.js';

test('what hardly repeats itself is not worth being compressed: random bytes as base64', () => {
  expect(isBulk(JSON.stringify({ base64: randomBytes(100_000).toString('base64') }))).toBe(true);
});

test('text is, as base64 too, and whatever is short', () => {
  const text = readFileSync('schema.sql');
  expect(isBulk(text.toString())).toBe(false);
  expect(isBulk(Buffer.concat([text, text]).toString('base64'))).toBe(false);
  expect(isBulk(randomBytes(10_000).toString('base64'))).toBe(false);
});
