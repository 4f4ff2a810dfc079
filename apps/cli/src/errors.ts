/** Exit codes that are the CLI's own; `exec` otherwise exits as its command did. */
export const exitCode = {
  ok: 0,
  /** The server refused. */
  refused: 1,
  /** The output or a file cannot be written. */
  failed: 1,
  /** The run that was watched did not complete, or cannot be watched. */
  notCompleted: 1,
  /** The export is not as it was made. */
  notVerified: 1,
  /** A command line or a setting that cannot be understood. */
  usage: 2,
  /** No server: unknown, unreachable, or lost for too long (EX_UNAVAILABLE of sysexits.h). */
  unavailable: 69,
  /** The command is there and cannot be executed, as in a shell. */
  notExecutable: 126,
  /** The command was not found, as in a shell. */
  notFound: 127,
  /** Ctrl-C, as in a shell: 128 + SIGINT. */
  interrupted: 130,
} as const;

/** An end of the CLI that its user should read as one sentence, without a stack trace. */
export class CliError extends Error {
  override readonly name: string = 'CliError';
  constructor(
    message: string,
    readonly exitCode: number,
  ) {
    super(message);
  }
}

export class UsageError extends CliError {
  override readonly name = 'UsageError';
  constructor(message: string) {
    super(message, exitCode.usage);
  }
}

/** No answer came: refused, timed out, broken off. What was sent may or may not have been done. */
export class ServerUnreachable extends CliError {
  override readonly name = 'ServerUnreachable';
  constructor(url: string, reason: string) {
    super(`the server at ${url} cannot be reached (${reason})`, exitCode.unavailable);
  }
}
