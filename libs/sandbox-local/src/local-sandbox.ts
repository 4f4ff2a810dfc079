import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { SandboxOver, type LimitName, type ProcessSpec, type Sandbox, type SandboxProcess } from '#processes';
import type { Cgroups } from './cgroups.js';
import { toolEnvironment } from './first-process.js';
import type { LocalProcess } from './local-process.js';
import { terminating } from './scripts.js';
import { startProcess, within, type Entrance } from './start-process.js';
import { removeWorkFolder } from './work-folder.js';

export class LocalSandbox implements Sandbox {
  readonly workdir: string;
  readonly isolation: readonly string[];
  readonly limitsEnforced: readonly LimitName[];
  readonly over: Promise<void>;
  readonly #processes = new Set<LocalProcess>();
  #closed: Promise<void> | undefined;
  #isOver = false;

  constructor(
    private readonly first: ChildProcess,
    private readonly entrance: Entrance,
    private readonly cgroups: Cgroups,
    private readonly folder: string,
  ) {
    this.workdir = entrance.workdir;
    this.isolation = entrance.identity.isolation;
    this.limitsEnforced = cgroups.enforced;
    this.over = once(first, 'exit').then(() => {
      this.#isOver = true;
    });
  }

  async start(spec: ProcessSpec): Promise<SandboxProcess> {
    if (this.#isOver || this.#closed !== undefined) throw new SandboxOver();
    const started = await startProcess(this.entrance, spec).catch((error: unknown) => {
      throw this.#isOver ? new SandboxOver() : error;
    });
    this.#processes.add(started);
    void started.ended.then(() => this.#processes.delete(started));
    return started;
  }

  close(graceMs: number): Promise<void> {
    this.#closed ??= this.#close(graceMs);
    return this.#closed;
  }

  async #close(graceMs: number): Promise<void> {
    if (!this.#isOver && graceMs > 0) await this.#terminate(graceMs);
    // The first process ends, and the kernel kills what is left; it is not over before the last one is gone.
    this.first.stdin?.destroy();
    const nudge = setInterval(() => {
      for (const started of this.#processes) started.release();
    }, 20);
    await this.over;
    clearInterval(nudge);
    await this.cgroups.remove();
    await removeWorkFolder(this.folder);
  }

  /** What does the waiting is within the sandbox too, and never killed: it ends with the others. */
  async #terminate(graceMs: number): Promise<void> {
    const helper = spawn('setpriv', within(this.entrance, ['sh', '-c', terminating]), {
      cwd: '/',
      env: toolEnvironment(),
      stdio: 'ignore',
      detached: true,
    });
    const enough = new AbortController();
    const grace = delay(graceMs, undefined, { signal: enough.signal }).catch(() => undefined);
    await Promise.race([once(helper, 'exit').catch(() => undefined), grace]);
    enough.abort();
  }
}
