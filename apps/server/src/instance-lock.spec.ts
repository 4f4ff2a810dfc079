import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lockDataDir } from './instance-lock.js';

const compiled = resolve('dist/apps/server/src/instance-lock.js');

/** Takes the lock, says so, and holds it until it is killed. */
const contender = (dataDir: string) => `
  const { lockDataDir } = await import(${JSON.stringify(compiled)});
  try { lockDataDir(${JSON.stringify(dataDir)}); console.log('mine'); setInterval(() => {}, 1000); }
  catch (error) { console.log(error.message); }`;

describe('the lock of a data dir', () => {
  let dataDir: string;
  beforeEach(() => {
    dataDir = mkdtempSync(join(tmpdir(), 'runledger-lock-'));
  });
  afterEach(() => {
    rmSync(dataDir, { recursive: true });
  });

  test('is refused while its holder lives, naming the holder', () => {
    lockDataDir(dataDir);
    expect(() => lockDataDir(dataDir)).toThrow(
      `Another server (pid ${process.pid}) is running on DATA_DIR ${dataDir}.`,
    );
  });

  test('makes the folder, and those above it', () => {
    const deep = join(dataDir, 'a', 'b');
    lockDataDir(deep);
    expect(readdirSync(deep)).toEqual(['lock-1']);
  });

  test('is refused at once where no folder can be made', () => {
    const { stdout } = spawnSync(
      process.execPath,
      ['--input-type=module', '-e', contender('/proc/runledger/data')],
      { encoding: 'utf8', timeout: 120_000 },
    );
    expect(stdout).toMatch(/^DATA_DIR \/proc\/runledger\/data cannot be used: .+\.\n$/);
  });

  test('can be taken again after its release', () => {
    lockDataDir(dataDir)();
    lockDataDir(dataDir);
    expect(() => lockDataDir(dataDir)).toThrow('Another server');
  });

  test('of a dead process is taken over', () => {
    const { pid } = spawnSync('true');
    writeFileSync(join(dataDir, 'lock-7'), `${pid} some-boot 123`);
    lockDataDir(dataDir);
    expect(readdirSync(dataDir)).toEqual(['lock-8']);
  });

  test('of a dead process whose pid another has by now is taken over', () => {
    writeFileSync(join(dataDir, 'lock-1'), `${process.ppid} some-boot 123`);
    lockDataDir(dataDir);
    expect(readFileSync(join(dataDir, 'lock-2'), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
  });

  test('goes to exactly one of many that start together', async () => {
    writeFileSync(join(dataDir, 'lock-1'), '');
    const servers = Array.from({ length: 6 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', contender(dataDir)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      }),
    );
    const words = await Promise.all(
      servers.map(async ({ stdout }) => String(((await once(stdout, 'data')) as [Buffer])[0])),
    );
    for (const server of servers) server.kill('SIGKILL');
    expect(words.filter((word) => word === 'mine\n')).toHaveLength(1);
    expect(words.filter((word) => word.startsWith('Another server'))).toHaveLength(5);
  });

  test('says that a data dir cannot be used', () => {
    writeFileSync(join(dataDir, 'file'), '');
    expect(() => lockDataDir(join(dataDir, 'file', 'below'))).toThrow(/^DATA_DIR .* cannot be used: ENOTDIR/);
  });
});
