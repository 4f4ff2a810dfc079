import { expect, test } from '@jest/globals';
import {
  alive,
  lasting,
  newMarker,
  openSandbox,
  run,
  sh,
  until,
  type SandboxHarness,
} from './contract-sandboxes.contract.js';
import { LimitNotEnforceable, type LimitName, type Sandbox } from './sandbox-driver.js';

export function sandboxLimits(harness: () => SandboxHarness): void {
  /** A sandbox that holds the limit; none where that is impossible, and the driver has said so. */
  async function limited(limit: LimitName, amount: number): Promise<Sandbox | undefined> {
    const limits = { [limit]: amount };
    const sandbox = await openSandbox(harness(), { limits, bestEffort: true });
    if (sandbox.limitsEnforced.includes(limit)) return sandbox;
    expect(sandbox.limitsEnforced).toEqual([]);
    await expect(openSandbox(harness(), { limits })).rejects.toThrow(LimitNotEnforceable);
    return undefined;
  }

  test('of pids: a fork bomb gets no further, and the sandbox can be closed; or it is not opened', async () => {
    const sandbox = await limited('pids', 30);
    if (sandbox === undefined) return;
    const marker = newMarker();
    const counted = await sandbox.start(
      sh(`n=0; while [ $n -lt 60 ]; do ${lasting(marker)} & n=$((n+1)); done`),
    );
    expect((await counted.ended).exit_code).not.toBe(0);
    await until(() => alive(marker) > 5);
    expect(alive(marker)).toBeLessThanOrEqual(30);
    const bomb = await sandbox.start(sh('bomb() { bomb | bomb & }; bomb; sleep 30'));
    bomb.stderr.resume();
    await sandbox.close(50);
    expect(await bomb.ended).not.toEqual({ exit_code: 0 });
  });

  test('of memory_mb: who takes more is killed; or it is not opened', async () => {
    const sandbox = await limited('memory_mb', 32);
    if (sandbox === undefined) return;
    const hog = (mib: number) => sh(`head -c ${mib}m /dev/zero | tail -c ${mib}m | wc -c`);
    expect((await run(sandbox, hog(4))).stdout.trim()).toBe(String(4 * 1024 * 1024));
    expect((await run(sandbox, hog(100))).stdout.trim()).not.toBe(String(100 * 1024 * 1024));
    expect((await run(sandbox, sh('echo still here'))).stdout).toBe('still here\n');
  });

  test('of cpu_cores: who wants more gets less; or it is not opened', async () => {
    const sandbox = await limited('cpu_cores', 0.2);
    if (sandbox === undefined) return;
    const used = sh('n=0; while [ $n -lt 300000 ]; do n=$((n+1)); done; times');
    const before = performance.now();
    const { stdout } = await run(sandbox, used);
    const wall = (performance.now() - before) / 1000;
    const [, minutes = '0', seconds = '0'] = /(\d+)m([\d.]+)s/.exec(stdout) ?? [];
    expect(Number(minutes) * 60 + Number(seconds)).toBeLessThan(Math.max(0.3, wall * 0.6));
  });
}
