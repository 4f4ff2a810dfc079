import { expect, test } from '@jest/globals';
import { openSandbox, run, sh, type SandboxHarness } from './contract-sandboxes.contract.js';
import { SandboxOver } from './sandbox-driver.js';

export function sandboxStarting(harness: () => SandboxHarness): void {
  test('runs a command in the work folder, with the clean environment and what is added', async () => {
    const sandbox = await openSandbox(harness());
    const { stdout, exit_code } = await run(
      sandbox,
      sh('pwd; env | cut -d= -f1 | sort', { env: { ADDED: '1' } }),
    );
    const [folder, ...names] = stdout.trim().split('\n');
    expect(folder).toBe(sandbox.workdir);
    expect(names.filter((name) => !['PWD', 'SHLVL', '_', 'HOSTNAME'].includes(name))).toEqual([
      'ADDED',
      'HOME',
      'LANG',
      'PATH',
      'TMPDIR',
    ]);
    expect(exit_code).toBe(0);
  });

  test('passes arguments and variables on as they are', async () => {
    const sandbox = await openSandbox(harness());
    const odd = ["it's $HOME", '', '--', '-n', 'a\nb', 'ü'];
    const env = { A: 'x\n"y" $(z) \'', LD_PRELOAD: '/nowhere.so', i: '5', RUNLEDGER_ENV_0: 'kept' };
    const shown = 'printf "%s|" "$@" "$A" "$LD_PRELOAD" "$i" "$RUNLEDGER_ENV_0"';
    const args = ['-c', shown, 'sh', ...odd];
    const { stdout } = await run(sandbox, { command: 'sh', args, env });
    expect(stdout).toBe([...odd, ...Object.values(env), ''].join('|'));
  });

  test('refuses a variable whose name no shell could read', async () => {
    const sandbox = await openSandbox(harness());
    await expect(sandbox.start(sh('true', { env: { 'A;B': '' } }))).rejects.toThrow(RangeError);
  });

  test('says which argument or variable is longer than the system takes', async () => {
    const sandbox = await openSandbox(harness());
    const args = ['-c', 'printf %s "${#1}"', 'sh', 'x'.repeat(131_071)];
    expect((await run(sandbox, { command: 'sh', args, env: {} })).stdout).toBe('131071');
    await expect(sandbox.start({ command: 'true', args: ['', 'ü'.repeat(65_536)], env: {} })).rejects.toThrow(
      /^args\[1\] has 131072 bytes; the system takes at most 131071\.$/,
    );
    await expect(sandbox.start(sh('true', { env: { A: 'x'.repeat(131_060) } }))).rejects.toThrow(
      /^The variable A with its name has 131062 bytes; the system takes at most 1310\d\d\.$/,
    );
  });

  test('looks the command up in the PATH that was given', async () => {
    const sandbox = await openSandbox(harness());
    await run(sandbox, sh('mkdir bin; printf "#!/bin/sh\\necho mine" >bin/ls; chmod +x bin/ls'));
    const PATH = `${sandbox.workdir}/bin:/bin`;
    expect((await run(sandbox, { command: 'ls', args: [], env: { PATH } })).stdout).toBe('mine\n');
  });

  test('starts in a folder below the work folder when asked to', async () => {
    const sandbox = await openSandbox(harness());
    await run(sandbox, sh('mkdir -p a/b'));
    const { stdout } = await run(sandbox, sh('pwd', { cwd: 'a/b' }));
    expect(stdout).toBe(`${sandbox.workdir}/a/b\n`);
  });

  test.each(['..', 'a/../..', '/', 'link', 'missing'])('never starts in %s', async (cwd) => {
    const sandbox = await openSandbox(harness());
    await run(sandbox, sh('mkdir a; ln -s / link'));
    const { exit_code, reason, stdout } = await run(
      sandbox,
      sh('echo ran', { cwd: cwd === '/' ? '../../..' : cwd }),
    );
    expect({ exit_code, stdout }).toEqual({ exit_code: 126, stdout: '' });
    expect(reason).toMatch(/working directory/);
  });

  test.each([
    ['no-such-command', 127],
    ['./no-such-file', 127],
    ['./file', 126],
    ['./folder', 126],
  ])('ends %s with %d and a reason', async (command, code) => {
    const sandbox = await openSandbox(harness());
    await run(sandbox, sh('echo text >file; mkdir folder'));
    const end = await run(sandbox, { command, args: [], env: {} });
    expect(end).toMatchObject({ exit_code: code, stdout: '', stderr: '' });
    expect(end.reason).toMatch(/^The command /);
  });

  test('gives a process the descriptors 0, 1 and 2, and nothing behind others', async () => {
    const sandbox = await openSandbox(harness());
    const { stdout } = await run(sandbox, sh('ls -l /proc/self/fd'));
    const behind = [...stdout.matchAll(/ (\d+) -> (.*)/g)].filter(([, fd]) => Number(fd) > 2);
    // One that cannot be closed leads to nothing; the last one is how ls reads the list.
    expect(behind.filter(([, , target]) => !/^\/dev\/null$|^\/proc\/\d+\/fd$/.test(target ?? ''))).toEqual(
      [],
    );
  });

  test('runs 200 processes at once', async () => {
    const sandbox = await openSandbox(harness());
    const script = 'echo $$ >>running; while [ ! -e go ]; do sleep 0.2; done; echo done';
    const all = Array.from({ length: 200 }, () => run(sandbox, sh(script)));
    const running = sh('until [ "$(wc -l <running)" -eq 200 ]; do sleep 0.1; done; : >go');
    await run(sandbox, sh(`: >>running; ${running.args[1] ?? ''}`));
    for (const { stdout, exit_code } of await Promise.all(all)) {
      expect({ stdout, exit_code }).toEqual({ stdout: 'done\n', exit_code: 0 });
    }
  });

  test('refuses to start anything once it is closed', async () => {
    const sandbox = await openSandbox(harness());
    await sandbox.close(0);
    await expect(sandbox.start(sh('true'))).rejects.toThrow(SandboxOver);
  });
}
