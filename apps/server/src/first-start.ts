import { randomBytes } from 'node:crypto';
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from './settings.js';
import { StartProblem } from './start-problem.js';

export interface BootstrapKey {
  readonly key: string;
  /** Where the key comes from: the settings, a file of an earlier start, or minted just now. */
  readonly from: 'settings' | 'file' | 'minted';
  readonly file: string;
}

/** The first admin's key: that of the settings, else the one in the data dir, else a new one that is kept there (0600). */
export function bootstrapKey({ bootstrapApiKey, dataDir }: Settings): BootstrapKey {
  const file = join(dataDir, 'api-key');
  if (bootstrapApiKey !== undefined) return { key: bootstrapApiKey, from: 'settings', file };
  if (existsSync(file)) {
    const key = readFileSync(file, 'utf8').trim();
    if (key === '') throw new StartProblem(`${file} is empty; remove it to have a new key minted.`);
    return { key, from: 'file', file };
  }
  const key = `rl_${randomBytes(32).toString('base64url')}`;
  const draft = `${file}.new`;
  rmSync(draft, { force: true });
  writeFileSync(draft, `${key}\n`, { mode: 0o600 });
  linkSync(draft, file);
  rmSync(draft);
  return { key, from: 'minted', file };
}

/** What the person who started the server is told. The key is in it only when it is new. */
export function greeting(url: string, { key, from, file }: BootstrapKey): string {
  const address = `Runledger is listening on ${url}\n`;
  if (from === 'settings') return address;
  if (from === 'file') return `${address}The API key is in ${file}\n`;
  return (
    `${address}\nThis is the first start. Your API key, shown only once (and kept in ${file}):\n\n  ${key}\n\n` +
    `Try it:\n\n  curl -s -H 'Authorization: Bearer ${key}' ${url}/v1/me\n\n`
  );
}

/** Lets the CLI find the server of this machine. */
export function announce(dataDir: string, url: string): void {
  writeFileSync(join(dataDir, 'server.json'), `${JSON.stringify({ url, pid: process.pid })}\n`);
}

/** Takes the announcement back. */
export function unannounce(dataDir: string): void {
  rmSync(join(dataDir, 'server.json'), { force: true });
}
