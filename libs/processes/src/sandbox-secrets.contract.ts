import { expect, test } from '@jest/globals';
import {
  lasting,
  newMarker,
  openSandbox,
  run,
  sh,
  type SandboxHarness,
} from './contract-sandboxes.contract.js';

export function sandboxSecrets(harness: () => SandboxHarness): void {
  test("of the service's environment are nowhere to be seen", async () => {
    process.env['RUNLEDGER_TEST_SECRET'] = 'do-not-tell';
    const sandbox = await openSandbox(harness());
    const { stdout } = await run(sandbox, sh('env; cat /proc/[0-9]*/environ 2>/dev/null'));
    delete process.env['RUNLEDGER_TEST_SECRET'];
    expect(stdout).toContain('HOME=');
    expect(stdout).not.toContain('do-not-tell');
  });

  test('in hidden folders are not there', async () => {
    const sandbox = await openSandbox(harness());
    const { stdout, exit_code } = await run(sandbox, sh(`cat '${harness().secretFile}'`));
    expect({ stdout, exit_code }).toEqual({ stdout: '', exit_code: 1 });
  });

  test('of one sandbox are not seen in another: no file, no process', async () => {
    const [one, other] = [await openSandbox(harness()), await openSandbox(harness())];
    const marker = newMarker();
    await run(one, sh('echo told >file; echo told >/tmp/file'));
    await one.start(sh(`exec ${lasting(marker)}`));
    const look = sh(`cat '${one.workdir}/file' /tmp/file; cat /proc/[0-9]*/cmdline | tr '\\0' '\\n'`);
    const { stdout } = await run(other, look);
    expect(stdout).not.toContain('told');
    expect(stdout.split('\n')).not.toContain(marker);
  });

  test('cannot be reached with powers: there are none, and none to be gained', async () => {
    const sandbox = await openSandbox(harness());
    const { stdout } = await run(
      sandbox,
      sh('grep -E "^(CapEff|CapPrm|CapAmb|NoNewPrivs)" /proc/self/status'),
    );
    expect(stdout.trim().split(/\s+/)).toEqual([
      ...['CapPrm:', '0'.repeat(16), 'CapEff:', '0'.repeat(16), 'CapAmb:', '0'.repeat(16)],
      ...['NoNewPrivs:', '1'],
    ]);
  });

  test('of the first process are out of reach', async () => {
    const sandbox = await openSandbox(harness());
    const { stdout } = await run(
      sandbox,
      sh('cat /proc/1/environ; ls -l /proc/1/fd/0; echo x >/proc/1/fd/0'),
    );
    expect(stdout).not.toContain('->');
    expect(stdout).not.toContain('PATH');
  });
}
