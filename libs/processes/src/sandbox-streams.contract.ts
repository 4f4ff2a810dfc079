import { expect, test } from '@jest/globals';
import { buffer, text } from 'node:stream/consumers';
import { openSandbox, run, sh, until, type SandboxHarness } from './contract-sandboxes.contract.js';

export function sandboxStreams(harness: () => SandboxHarness): void {
  test('are bytes, whatever they mean', async () => {
    const sandbox = await openSandbox(harness());
    const { stdin, stdout } = await sandbox.start({ command: 'cat', args: [], env: {} });
    const bytes = Buffer.from(Array.from({ length: 1_000_000 }, (_, n) => n % 256));
    stdin.end(bytes);
    expect((await buffer(stdout)).equals(bytes)).toBe(true);
  });

  test('of a process that has ended wait for their reader', async () => {
    const sandbox = await openSandbox(harness());
    const { stdout, stderr, ended } = await sandbox.start(sh('echo out; echo err >&2; exit 3'));
    expect(await ended).toEqual({ exit_code: 3 });
    await run(sandbox, sh('true'));
    expect([await text(stdout), await text(stderr)]).toEqual(['out\n', 'err\n']);
  });

  test('may be closed by the process, which goes on', async () => {
    const sandbox = await openSandbox(harness());
    const script = 'echo said; exec >&- 2>&-; : >closed; read line; echo $line >file; exit 4';
    const { stdin, stdout, stderr, ended } = await sandbox.start(sh(script));
    await run(sandbox, sh('until [ -e closed ]; do sleep 0.1; done'));
    stdin.end('go\n');
    expect(await ended).toEqual({ exit_code: 4 });
    expect([await text(stdout), await text(stderr)]).toEqual(['said\n', '']);
    expect((await run(sandbox, sh('cat file'))).stdout).toBe('go\n');
  });

  test('may be held open by others after the process has ended', async () => {
    const sandbox = await openSandbox(harness());
    const { stdout, ended } = await sandbox.start(
      sh('(until [ -e go ]; do sleep 0.1; done; echo late) & exit 5'),
    );
    expect(await ended).toEqual({ exit_code: 5 });
    await run(sandbox, sh(': >go'));
    expect(await text(stdout)).toBe('late\n');
  });

  test('may be written to when nobody reads any more', async () => {
    const sandbox = await openSandbox(harness());
    const { stdin, ended } = await sandbox.start(sh('exec <&-; exit 0'));
    await ended;
    const error = await new Promise((resolve) => stdin.write('too late', resolve));
    expect(error).toHaveProperty('code');
  });

  test('hold a process up whose reader is slow, and lose nothing', async () => {
    const sandbox = await openSandbox(harness());
    const script =
      'n=0; while [ $n -lt 1000 ]; do head -c 65536 /dev/zero; n=$((n+1)); echo $n >progress; done';
    const { stdout } = await sandbox.start(sh(script));
    const progress = async () => Number((await run(sandbox, sh('cat progress'))).stdout);
    let [last, same] = [0, 0];
    await until(async () => {
      const now = await progress();
      same = now > 0 && now === last ? same + 1 : 0;
      last = now;
      return same === 10;
    });
    expect(last).toBeLessThan(100);
    expect(stdout.readableLength).toBeLessThan(1_000_000);
    expect((await buffer(stdout)).length).toBe(65_536_000);
  });
}
