import { expect, test } from '@jest/globals';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import {
  alive,
  lasting,
  newMarker,
  openSandbox,
  run,
  runaways,
  sh,
  until,
  type SandboxHarness,
} from './contract-sandboxes.contract.js';

export function sandboxEnding(harness: () => SandboxHarness): void {
  test.each([
    ['exit 7', { exit_code: 7 }],
    ['kill -KILL $$', { signal: 'SIGKILL' }],
    ['kill -TERM $$', { signal: 'SIGTERM' }],
  ])('are told as they were: %s', async (script, end) => {
    const sandbox = await openSandbox(harness());
    expect(await (await sandbox.start(sh(script))).ended).toEqual(end);
  });

  test('come by a signal to the process and its group', async () => {
    const sandbox = await openSandbox(harness());
    const marker = newMarker();
    const started = await sandbox.start(sh(`${lasting(marker)} & ${lasting(marker)} & wait`));
    await until(() => alive(marker) === 2);
    started.kill('SIGSTOP');
    started.kill('SIGKILL');
    expect(await started.ended).toEqual({ signal: 'SIGKILL' });
    await until(() => alive(marker) === 0);
    started.kill('SIGTERM');
  });

  test('can be answered by the process, which is given the time for it', async () => {
    const sandbox = await openSandbox(harness());
    const script = 'trap "echo bye; exit 9" TERM; echo ready; while :; do sleep 0.1; done';
    const { stdout, ended } = await sandbox.start(sh(script));
    await once(stdout, 'readable');
    await sandbox.close(20_000);
    expect(await ended).toEqual({ exit_code: 9 });
    expect(await text(stdout)).toBe('ready\nbye\n');
  });

  test('come to all that run away, when the sandbox is closed', async () => {
    const sandbox = await openSandbox(harness());
    const marker = newMarker();
    const scripts = runaways(marker);
    const started = await Promise.all(scripts.map((script) => sandbox.start(sh(script))));
    await until(() => alive(marker) === scripts.length);
    await Promise.all([sandbox.close(100), sandbox.close(100)]);
    expect(alive(marker)).toBe(0);
    await Promise.all([sandbox.over, ...started.map(({ ended }) => ended)]);
  });

  test('come to all that run away, when the supervisor is killed', async () => {
    const marker = newMarker();
    const scripts = runaways(marker);
    const host = await harness().host(scripts);
    await until(() => alive(marker) === scripts.length);
    host.kill('SIGKILL');
    await until(() => alive(marker) === 0);
    // What it left behind is in the way of nobody once it is swept, and sweeping again is nothing.
    await harness().driver.sweep(['hosted']);
    await harness().driver.sweep(['hosted']);
    const again = await openSandbox(harness(), { id: 'hosted', limits: { pids: 20 }, bestEffort: true });
    expect((await run(again, sh('ls -A'))).stdout).toBe('');
  });

  test('of orphans are seen by the sandbox: none stays as a zombie', async () => {
    const sandbox = await openSandbox(harness());
    await run(sandbox, sh('for n in 1 2 3 4 5; do (setsid sh -c "sleep 0.05" &); done'));
    await until(async () => {
      const { stdout } = await run(sandbox, sh('grep -l "^State:.[SRDZ]" /proc/[0-9]*/status'));
      return stdout.trim().split('\n').length <= 3;
    });
  });

  test('of the sandbox are not in the hands of its processes', async () => {
    const sandbox = await openSandbox(harness());
    expect(await run(sandbox, sh('kill -KILL 1; kill -KILL -1; echo still here'))).toMatchObject({
      exit_code: 0,
    });
    expect((await run(sandbox, sh('echo still here'))).stdout).toBe('still here\n');
  });

  test('leave folders behind that nobody may enter, and they are removed too', async () => {
    const sandbox = await openSandbox(harness());
    await run(sandbox, sh('mkdir -p a/b; touch a/b/c; chmod 0 a/b a'));
    await sandbox.close(0);
    const again = await openSandbox(harness());
    expect((await run(again, sh('ls -A'))).stdout).toBe('');
  });
}
