import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { publicText } from '#evidence';
import { signingKey } from './signing-key.js';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'runledger-key-'));
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

it('a key is made once, for its owner alone, and leaves no draft behind', () => {
  const file = join(dir, 'key.pem');
  const first = publicText(signingKey(file));
  expect(publicText(signingKey(file))).toBe(first);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(dir)).toEqual(['key.pem']);
});

it('a key of another kind is refused', () => {
  const file = join(dir, 'key.pem');
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }));
  expect(() => signingKey(file)).toThrow('no Ed25519 key');
});
