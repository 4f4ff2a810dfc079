import { describe, expect, test } from '@jest/globals';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { sandboxDriverContract } from '../../processes/src/sandbox-driver.contract.js';
import { LocalDriver } from './index.js';

const isRoot = process.getuid?.() === 0;

sandboxDriverContract(`this machine, under ${isRoot ? 'root' : 'an ordinary user'}`, () => {
  const root = mkdtempSync(join(tmpdir(), 'runledger-sandboxes-'));
  const data = join(root, 'data');
  mkdirSync(data);
  const secretFile = join(data, 'secret');
  writeFileSync(secretFile, 'do-not-tell');
  const options = { folder: join(data, 'sandboxes'), hidden: [data] };
  return Promise.resolve({
    driver: new LocalDriver(options),
    secretFile,
    host: async (scripts) => {
      const driver = [
        resolve('dist/libs/sandbox-local/src/index.js'),
        'LocalDriver',
        JSON.stringify(options),
      ];
      const child = fork('test/support/sandbox-host.mjs', [...driver, ...scripts], { execArgv: [] });
      await once(child, 'message');
      return child;
    },
    close: () => {
      rmSync(root, { recursive: true });
      return Promise.resolve();
    },
  });
});

/** An account without rights, when we are root and it can read what it would have to run. */
function ordinaryUser(): { uid: number; gid: number } | string {
  if (!isRoot) return 'the tests run as an ordinary user already';
  const user = { uid: 65_533, gid: 65_533 };
  const probe = spawnSync(process.execPath, ['dist/libs/sandbox-local/src/scripts.js'], user);
  return probe.status === 0 ? user : 'another user may not enter the folder of the project, or of Node';
}

describe('an ordinary user', () => {
  const user = ordinaryUser();
  if (typeof user === 'string') {
    test.skip(`is given all of this too (skipped: ${user})`, () => undefined);
    return;
  }
  test('is given all of this too', () => {
    const cache = mkdtempSync(join(tmpdir(), 'runledger-jest-'));
    const once = ['--globalSetup', '', '--globalTeardown', ''];
    const jest = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--runInBand', ...once];
    const spec = ['--cacheDirectory', join(cache, 'jest'), 'libs/sandbox-local/src/local.spec.ts'];
    spawnSync('chown', [`${user.uid}:${user.gid}`, cache]);
    const env = { PATH: process.env['PATH'], HOME: cache, TMPDIR: cache };
    const { stderr, status } = spawnSync(process.execPath, [...jest, ...spec], {
      ...user,
      env,
      encoding: 'utf8',
    });
    rmSync(cache, { recursive: true });
    expect({ status, failures: status === 0 ? '' : stderr }).toEqual({ status: 0, failures: '' });
  }, 180_000);
});
