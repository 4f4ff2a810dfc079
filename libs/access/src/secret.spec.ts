import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { hashOf, looksMinted, mintSecret, sameHash } from './secret.js';

test('a key is rl_ and 32 random bytes in base64url, known by its first 6 characters', () => {
  const { key, prefix } = mintSecret();
  expect(key).toMatch(/^rl_[A-Za-z0-9_-]{43}$/);
  expect(prefix).toBe(key.slice(0, 6));
  expect(looksMinted(key)).toBe(true);
});

test('what is kept of a key is its SHA-256', () => {
  const { key, hash } = mintSecret();
  expect(hash).toBe(createHash('sha256').update(key).digest('hex'));
  expect(sameHash(hashOf(key), hash)).toBe(true);
  expect(sameHash(hashOf(`${key}x`), hash)).toBe(false);
});

test.each(['', 'rl_', 'rl_short', `xx_${'a'.repeat(43)}`, `rl_${'a'.repeat(44)}`])(
  '%p is no key of ours',
  (key) => {
    expect(looksMinted(key)).toBe(false);
  },
);
