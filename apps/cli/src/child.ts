import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { Readable } from 'node:stream';
import { exitCode } from './errors.js';

/** How a command ended, as the run tells it. */
export interface Ending {
  /** What a shell would answer. */
  readonly exitCode: number;
  /** Absent when it succeeded. */
  readonly error?: { readonly code: string; readonly message: string };
  /** False when it never ran. */
  readonly started: boolean;
}

export interface Child {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Never rejects: a command that cannot be started has an ending, too. */
  readonly ending: Promise<Ending>;
  /** Asks the command to end. After ten seconds it is killed, and what it left behind is no longer read. */
  end(): void;
}

const grace = 10_000;

const forwarded = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * Starts a command with this terminal's input, and passes signals on to it. A signal that comes
 * after its end (a process it left behind may hold its output open) calls `onLateSignal`.
 */
export const startChild = (command: string, args: readonly string[], onLateSignal: () => void): Child => {
  let child;
  try {
    child = spawn(command, args, { stdio: ['inherit', 'pipe', 'pipe'] });
  } catch (error) {
    // Told at once, unlike other reasons: an empty name, a path that leads through a file, a loop of links.
    const ending = Promise.resolve(notStarted(command, error as NodeJS.ErrnoException));
    return { stdout: Readable.from([]), stderr: Readable.from([]), ending, end: () => undefined };
  }
  let ended = false;
  const closeOutput = (): void => {
    child.stdout.destroy();
    child.stderr.destroy();
  };
  const end = (): void => {
    child.kill('SIGTERM');
    setTimeout(() => {
      child.kill('SIGKILL');
      closeOutput();
    }, grace).unref();
  };
  for (const signal of forwarded) {
    process.on(signal, () => {
      if (ended) {
        closeOutput();
        onLateSignal();
      } else if (!sentByTerminal(signal)) child.kill(signal);
    });
  }
  const ending = endingOf(child, command).finally(() => {
    ended = true;
  });
  return { stdout: child.stdout, stderr: child.stderr, ending, end };
};

/** The terminal sends these to the whole foreground group; the command would get them twice. */
const sentByTerminal = (signal: NodeJS.Signals): boolean =>
  process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT');

const endingOf = (child: ChildProcess, command: string): Promise<Ending> =>
  new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) resolve(notStarted(command, error));
    });
    child.once('exit', (code, signal) => {
      if (signal !== null) {
        const error = { code: `signal_${signal}`, message: `the command was ended by ${signal}` };
        resolve({ started: true, exitCode: 128 + constants.signals[signal], error });
      } else if (code === null || code === 0) resolve({ started: true, exitCode: exitCode.ok });
      else {
        const error = { code: `exit_${code}`, message: `the command exited with code ${code}` };
        resolve({ started: true, exitCode: code, error });
      }
    });
  });

const notStarted = (command: string, { code, message }: NodeJS.ErrnoException): Ending => {
  const [exit, reason] =
    code === 'ENOENT'
      ? [exitCode.notFound, `command not found: ${command}`]
      : [exitCode.notExecutable, `cannot execute ${command}: ${message}`];
  return { started: false, exitCode: exit, error: { code: `exit_${exit}`, message: reason } };
};
