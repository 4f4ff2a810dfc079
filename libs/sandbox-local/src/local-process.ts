import type { ChildProcess } from 'node:child_process';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import type { ProcessEnd, SandboxProcess } from '#processes';
import { childOf } from './child-of.js';

type WithPipes = ChildProcess & { stdin: Writable; stdout: Readable; stderr: Readable };

/** A command in a sandbox, seen through the `nsenter` outside, which waits for it and ends as it did. */
export class LocalProcess implements SandboxProcess {
  pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly ended: Promise<ProcessEnd>;
  readonly #nsenter: ChildProcess;
  #group: number | undefined;
  #cannot: ProcessEnd | undefined;

  constructor(nsenter: WithPipes) {
    this.#nsenter = nsenter;
    this.pid = nsenter.pid ?? 0;
    this.stdin = nsenter.stdin;
    this.stdin.on('error', () => undefined);
    // Of what an ended child leaves unread Node drops what nobody reads; what is piped it keeps.
    this.stdout = nsenter.stdout.pipe(new PassThrough());
    this.stderr = nsenter.stderr.pipe(new PassThrough());
    this.ended = new Promise((resolve) => {
      nsenter.once('exit', (code, signal) => {
        this.#group = undefined;
        resolve(this.#cannot ?? (signal === null ? { exit_code: code ?? 0 } : { signal }));
      });
    });
  }

  /** The command is running, or has been: it leads a process group of its own. */
  running(): void {
    if (this.#nsenter.exitCode !== null || this.#nsenter.signalCode !== null) return;
    this.#group = childOf(this.pid);
    this.pid = this.#group ?? this.pid;
  }

  cannot(end: ProcessEnd): void {
    this.#cannot = end;
  }

  kill(signal: NodeJS.Signals): void {
    if (this.#group === undefined) return;
    try {
      process.kill(-this.#group, signal);
    } catch {
      return; // It has just ended.
    }
    if (signal === 'SIGKILL' || signal === 'SIGCONT') this.release();
  }

  /** Where a command is stopped `nsenter` stops itself too, and would not see then that the command ends. */
  release(): void {
    this.#nsenter.kill('SIGCONT');
  }
}
