import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { buffer, text } from 'node:stream/consumers';
import { LimitNotEnforceable, SandboxUnavailable, type ProcessSpec } from '#processes';
import { sandboxDriverContract } from '../../processes/src/sandbox-driver.contract.js';
import { DockerEngine } from '../../../test/support/docker-engine.js';
import { DockerDriver } from './index.js';

/** Why the contract cannot be run here; undefined when an engine answers. */
function withoutEngine(): string | undefined {
  try {
    execFileSync('docker', ['info'], { timeout: 3_000, stdio: 'ignore' });
    return undefined;
  } catch {
    return 'no Docker engine answers here';
  }
}

const why = withoutEngine();
if (why === undefined) {
  sandboxDriverContract('Docker', () => {
    const folder = mkdtempSync(join(tmpdir(), 'runledger-docker-'));
    const secretFile = join(folder, 'secret');
    writeFileSync(secretFile, 'do-not-tell');
    return Promise.resolve({
      driver: new DockerDriver(),
      secretFile,
      host: async (scripts) => {
        const driver = [resolve('dist/libs/sandbox-docker/src/index.js'), 'DockerDriver', '{}'];
        const child = fork('test/support/sandbox-host.mjs', [...driver, ...scripts], { execArgv: [] });
        await once(child, 'message');
        return child;
      },
      close: () => {
        rmSync(folder, { recursive: true });
        return Promise.resolve();
      },
    });
  });
} else {
  test.skip(`sandboxes of Docker (not run: ${why})`, () => undefined);
}

describe('what the driver asks of an engine (a stand-in)', () => {
  let engine: DockerEngine;
  let driver: DockerDriver;
  beforeEach(async () => {
    engine = new DockerEngine();
    await engine.start();
    driver = new DockerDriver({ socketPath: engine.socketPath, network: 'none', image: 'small' });
  });
  afterEach(() => {
    engine.stop();
  });
  const sh = (script: string): ProcessSpec => ({
    command: 'sh',
    args: ['-c', script],
    env: { ADDED: "it's" },
  });
  const bodyOf = (what: string) => engine.asked.find((asked) => asked.what === what)?.body;

  test('a container without powers, within the limits, that ends with its supervisor', async () => {
    const limits = { memory_mb: 64, cpu_cores: 0.5, pids: 20 };
    const sandbox = await driver.open({ id: 'a', limits, bestEffort: false });
    await sandbox.close(0);
    await sandbox.over;
    expect(sandbox.limitsEnforced).toEqual(['memory_mb', 'cpu_cores', 'pids']);
    expect(bodyOf('POST /containers/create')).toMatchObject({
      Image: 'small',
      Labels: { 'runledger.sandbox': 'a' },
      OpenStdin: true,
      StdinOnce: true,
      HostConfig: {
        AutoRemove: true,
        NetworkMode: 'none',
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Memory: 67_108_864,
        MemorySwap: 67_108_864,
        NanoCpus: 500_000_000,
        PidsLimit: 20,
      },
    });
  });

  test('no limit that the engine would only warn of', async () => {
    engine.info = { MemoryLimit: true, PidsLimit: false };
    const spec = { id: 'a', limits: { pids: 5, memory_mb: 8 } };
    await expect(driver.open({ ...spec, bestEffort: false })).rejects.toThrow(LimitNotEnforceable);
    const sandbox = await driver.open({ ...spec, bestEffort: true });
    expect(sandbox.limitsEnforced).toEqual(['memory_mb']);
    await sandbox.close(0);
  });

  test('a process, whose two outputs it takes apart, and whose end it hears of', async () => {
    const sandbox = await driver.open({ id: 'a', limits: {}, bestEffort: false });
    const started = await sandbox.start(sh('echo "$ADDED"; printf "\\377\\000" >&2; cat; exit 3'));
    started.stdin.end('input');
    const [stdout, stderr] = await Promise.all([text(started.stdout), buffer(started.stderr)]);
    expect({ stdout, stderr: [...stderr], end: await started.ended }).toEqual({
      stdout: "it's\ninput",
      stderr: [255, 0],
      end: { exit_code: 3 },
    });
    await sandbox.close(0);
  });

  test('a signal to the group of a process', async () => {
    const sandbox = await driver.open({ id: 'a', limits: {}, bestEffort: false });
    const started = await sandbox.start(sh('sleep 60'));
    started.kill('SIGTERM');
    expect(await started.ended).toEqual({ signal: 'SIGTERM' });
    await sandbox.close(0);
  });

  test('nothing more for a command that does not exist', async () => {
    const sandbox = await driver.open({ id: 'a', limits: {}, bestEffort: false });
    const { ended } = await sandbox.start({ command: 'no-such-command', args: [], env: {} });
    expect(await ended).toEqual({ exit_code: 127, reason: 'The command was not found in PATH.' });
    await sandbox.close(0);
  });

  test('the removal of what is left over of a sandbox', async () => {
    await driver.sweep(['a']);
    expect(engine.asked.map(({ what }) => what)).toContain('DELETE /containers/left-over');
  });

  test('nothing where none answers', async () => {
    const alone = new DockerDriver({ socketPath: join(engine.folder, 'missing.sock') });
    await expect(alone.open({ id: 'a', limits: {}, bestEffort: false })).rejects.toThrow(SandboxUnavailable);
  });
});
