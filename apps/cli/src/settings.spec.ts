import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { readSettings } from './settings.js';

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'runledger-cli-'));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

it('finds the local server by what it left in DATA_DIR, and says what is missing there', async () => {
  await expect(readSettings({ DATA_DIR: directory })).rejects.toThrow(/^no server is known: .* set DATA_DIR/);
  writeFileSync(join(directory, 'server.json'), '{"url":"http://127.0.0.1:8080/"}');
  await expect(readSettings({ DATA_DIR: directory })).rejects.toThrow(
    /^no key is known: .* set RUNLEDGER_API_KEY$/,
  );
  const url = 'http://127.0.0.1:8080';
  expect(await readSettings({ DATA_DIR: directory, RUNLEDGER_API_KEY: 'k' })).toEqual({ url, key: 'k' });
  writeFileSync(join(directory, 'api-key'), 'kept\n');
  expect(await readSettings({ DATA_DIR: directory })).toEqual({ url, key: 'kept' });
});

it('sends the local key to no server that RUNLEDGER_URL names', async () => {
  const env = { DATA_DIR: directory, RUNLEDGER_URL: 'https://other.example.com' };
  await expect(readSettings(env)).rejects.toThrow('RUNLEDGER_URL is set and RUNLEDGER_API_KEY is not');
});

it.each([
  ['http://127.0.0.1:8080', 'http://127.0.0.1:8080'],
  ['http://127.0.0.1:8080//', 'http://127.0.0.1:8080'],
  ['http://127.0.0.1:8080/v1', 'http://127.0.0.1:8080'],
  ['https://example.com/v1/', 'https://example.com'],
  ['https://example.com/ledger/', 'https://example.com/ledger'],
  ['https://example.com/ledger/v1', 'https://example.com/ledger'],
  ['https://example.com/rev1', 'https://example.com/rev1'],
])('takes %s for the server at %s', async (url, server) => {
  const settings = await readSettings({ RUNLEDGER_URL: url, RUNLEDGER_API_KEY: 'key' });
  expect(settings).toEqual({ url: server, key: 'key' });
});

it.each([
  ['localhost:8080', 'key', /^RUNLEDGER_URL must be an http:\/\/ or https:\/\/ address/],
  ['127.0.0.1:8080', 'key', /^RUNLEDGER_URL must be an http:\/\/ or https:\/\/ address/],
  ['', 'key', /^RUNLEDGER_URL must be an http:\/\/ or https:\/\/ address/],
  ['https://ledger.example.com/?key=secret', 'key', /^RUNLEDGER_URL must be .* or a query/],
  ['ftp://ledger.example.com', 'key', /^RUNLEDGER_URL must be an http:\/\/ or https:\/\/ address/],
  ['https://ann:secret@ledger.example.com', 'key', /^RUNLEDGER_URL must be .* without a user/],
  ['https://ledger.example.com', 'se\ncret', /^RUNLEDGER_API_KEY must be visible ASCII/],
  ['https://ledger.example.com', 'секрет', /^RUNLEDGER_API_KEY must be visible ASCII/],
  ['https://ledger.example.com', '', /^RUNLEDGER_API_KEY must be visible ASCII/],
])('refuses what cannot be used and shows no secret: %s %j', async (url, key, reason) => {
  const refusal = readSettings({ RUNLEDGER_URL: url, RUNLEDGER_API_KEY: key });
  await expect(refusal).rejects.toMatchObject({
    message: expect.stringMatching(reason) as unknown,
    exitCode: 2,
  });
  await expect(refusal).rejects.not.toThrow(/secret|секрет/);
});
