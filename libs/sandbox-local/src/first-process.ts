import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { SandboxUnavailable } from '#processes';
import type { Identity } from './identity.js';
import { firstProcess } from './scripts.js';

/** All that the programs which make and enter namespaces see of the service's environment. */
export const toolEnvironment = (): { PATH: string } => ({
  PATH: process.env.PATH ?? '/usr/local/bin:/usr/bin:/bin',
});

/**
 * Starts the first process of a new PID namespace, whose end is the end of every process in it. Two ropes tie
 * it to the service: its standard input, which ends when nobody holds the other end any more, and the signal
 * that the kernel sends when a parent dies. The first knows no race, the second cannot be held open by others.
 * @throws SandboxUnavailable with what the system said
 */
export async function startFirstProcess(
  identity: Identity,
  folders: { readonly work: string; readonly tmp: string; readonly hidden: readonly string[] },
): Promise<ChildProcess> {
  const namespaces = [...identity.unshare, '--mount', '--pid', '--ipc', '--fork', '--kill-child'];
  const script = ['sh', '-c', firstProcess, 'sandbox', folders.work, folders.tmp, ...folders.hidden];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'unshare', ...namespaces, ...script], {
    cwd: '/',
    env: toolEnvironment(),
    detached: true,
  });
  child.stdin.on('error', () => undefined);
  const said = text(child.stderr);
  const ready = once(child.stdout, 'data').then(() => undefined);
  const failed = once(child, 'exit').then(
    () => said,
    (error: unknown) => String(error),
  );
  const reason = await Promise.race([ready, failed]);
  if (reason === undefined) return child;
  throw new SandboxUnavailable(reason.trim() || 'its first process ended at once');
}
