import { afterAll, describe, expect, test } from '@jest/globals';
import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { SandboxUnavailable } from '#processes';
import { until } from '../../processes/src/contract-sandboxes.contract.js';
import { sandboxDriverContract } from '../../processes/src/sandbox-driver.contract.js';
import { LocalDriver } from './index.js';

const isRoot = process.getuid?.() === 0;

/** Why no sandbox can be opened on this machine, in the words of its system; undefined when one can. */
async function unavailable(): Promise<string | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'runledger-sandboxes-'));
  try {
    const sandbox = await new LocalDriver({ folder, hidden: [] }).open({
      id: 'probe',
      limits: {},
      bestEffort: true,
    });
    await sandbox.close(0);
    return undefined;
  } catch (error) {
    return error instanceof SandboxUnavailable ? error.message : undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const why = await unavailable();
const where = `this machine, under ${isRoot ? 'root' : 'an ordinary user'}`;
if (why !== undefined) test.skip(`sandboxes of ${where} (not run: ${why})`, () => undefined);
else
  sandboxDriverContract(where, () => {
    // Not below /tmp, of which a sandbox has its own, and open to all: so it is the hiding that is seen here.
    const root = mkdtempSync('/var/tmp/runledger-sandboxes-');
    chmodSync(root, 0o755);
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

// The reason is told above, where the contract is skipped.
(why === undefined ? describe : describe.skip)('the local driver', () => {
  const data = mkdtempSync(join(tmpdir(), 'runledger-sandboxes-'));
  afterAll(() => {
    rmSync(data, { recursive: true });
  });

  test('leaves no descriptor, folder or cgroup behind', async () => {
    const driver = new LocalDriver({ folder: data, hidden: [] });
    const once = async (id: string) => {
      const sandbox = await driver.open({ id, limits: { pids: 50, cpu_cores: 2 }, bestEffort: true });
      const starting = Array.from({ length: 10 }, () =>
        sandbox.start({ command: 'true', args: [], env: {} }),
      );
      const started = await Promise.all(starting);
      await Promise.all(started.map(({ stdout, stderr }) => [text(stdout), text(stderr)]).flat());
      await sandbox.close(1_000);
    };
    await once('warm');
    const before = readdirSync('/proc/self/fd').length;
    await once('one');
    await once('other');
    await until(() => readdirSync('/proc/self/fd').length <= before);
    expect(readdirSync(data)).toEqual([]);
    const cgroups = readdirSync('/sys/fs/cgroup', { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    const names = cgroups.flatMap(({ name }) => readdirSync(join('/sys/fs/cgroup', name)));
    expect(names.filter((name) => /^runledger-(warm|one|other)$/.test(name))).toEqual([]);
  });

  test('says what the system said when it cannot open a sandbox', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = '/nowhere';
    const driver = new LocalDriver({ folder: data, hidden: [] });
    const opening = driver.open({ id: 'none', limits: {}, bestEffort: false });
    await expect(opening).rejects.toThrow(SandboxUnavailable);
    process.env['PATH'] = path;
    expect(readdirSync(data)).toEqual([]);
  });

  test.each(['..', 'a/b', ''])('takes no id that could leave its folder: %j', async (id) => {
    const driver = new LocalDriver({ folder: data, hidden: [] });
    await expect(driver.open({ id, limits: {}, bestEffort: false })).rejects.toThrow(RangeError);
    await expect(driver.sweep([id])).rejects.toThrow(RangeError);
  });
});

/** An account without rights, when we are root and it can read what it would have to run. */
function ordinaryUser(): { uid: number; gid: number } | string {
  if (!isRoot) return 'the tests run as an ordinary user already';
  if (why !== undefined) return why;
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
  });
});
