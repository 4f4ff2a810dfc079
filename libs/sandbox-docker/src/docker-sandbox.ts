import type { Container } from 'dockerode';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxOver, type LimitName, type ProcessSpec, type Sandbox, type SandboxProcess } from '#processes';
import { workdir } from './container.js';
import type { Deaths } from './deaths.js';
import { startProcess } from './docker-process.js';

/** SIGTERM to every process, then waits until none is left but the two that hold the container, and itself. */
const terminating = 'kill -TERM -1; while set -- /proc/[0-9]*; [ $# -gt 3 ]; do sleep 0.05; done';

export class DockerSandbox implements Sandbox {
  readonly workdir = workdir;
  readonly isolation = [
    ...['pid_namespace', 'mount_namespace', 'ipc_namespace', 'network_namespace'],
    ...['no_new_privileges', 'unprivileged_user', 'clean_environment'],
  ];
  #closed: Promise<void> | undefined;
  #isOver = false;

  /** @param over resolves when the container has ended */
  constructor(
    private readonly container: Container,
    private readonly deaths: Deaths,
    readonly limitsEnforced: readonly LimitName[],
    readonly over: Promise<void>,
  ) {
    void over.then(() => {
      this.#isOver = true;
    });
  }

  async start(spec: ProcessSpec): Promise<SandboxProcess> {
    if (this.#isOver || this.#closed !== undefined) throw new SandboxOver();
    return startProcess(this.container, this.deaths, spec);
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    if (!this.#isOver && graceMs > 0) await this.#terminate(graceMs);
    await removeContainer(this.container);
    await this.over;
  }

  async #terminate(graceMs: number): Promise<void> {
    const quiet = await startProcess(this.container, this.deaths, {
      command: 'sh',
      args: ['-c', terminating],
      env: {},
    }).catch(() => undefined);
    const enough = new AbortController();
    const grace = delay(graceMs, undefined, { signal: enough.signal }).catch(() => undefined);
    await Promise.race([quiet?.ended, grace]);
    enough.abort();
  }
}

/** Kills what is in it. That it is gone already, or on its way, is as good. */
export async function removeContainer(container: Container): Promise<void> {
  await container.remove({ force: true, v: true }).catch((error: unknown) => {
    const { statusCode } = error as { statusCode?: number };
    if (statusCode !== 404 && statusCode !== 409) throw error;
  });
}
