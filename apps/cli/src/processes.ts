import { constants } from 'node:os';
import {
  type Command,
  type Context,
  parseOptions,
  positionals,
  positiveInteger,
  wholeNumber,
} from './command.js';
import { exitCode, UsageError } from './errors.js';
import { follow } from './follow.js';
import { interruptible } from './interruptible.js';
import type { Output } from './output.js';
import { type Column, printList, printOne, type Resource } from './table.js';

const columns: readonly Column[] = [
  'id',
  'status',
  'pid',
  'exit_code',
  'started_at',
  'ended_at',
  { title: 'command', cell: ({ command, args }) => [command, ...(args as string[])].join(' ') },
];

const processPath = (id: string): string => `/v1/processes/${encodeURIComponent(id)}`;
const processesPath = (run: string): string => `/v1/runs/${encodeURIComponent(run)}/processes`;

export const ps: Command = {
  summary: 'list the processes of a run, newest first',
  help: `usage: runledger ps <run> [--status S] [--limit N] [--json]

  --status S   only processes in these states (a comma list): starting, running, exited, killed,
               timed_out or lost
  --limit N    at most N processes (default 20)
  --json       one JSON document per line, as in a pipe`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, {
      status: { type: 'string' },
      limit: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    });
    const [run] = positionals(rest, 'run');
    const limit = positiveInteger('--limit', values.limit);
    return async ({ api, out }) => {
      const processes = api.list<Resource>(processesPath(run), limit, { status: values.status });
      await printList(out, processes, columns, values.json);
      return exitCode.ok;
    };
  },
};

export const start: Command = {
  summary: "start a process in a run's sandbox",
  help: `usage: runledger start <run> [--env NAME=VALUE]... [--cwd DIR] [--timeout N] [--output-limit N]
                       [--detached] [--json] -- <command> [args]

  --env NAME=VALUE   added to the environment; the value is not shown to anyone afterwards
  --cwd DIR          within the sandbox's work folder
  --timeout N        seconds until it is ended (default 3600)
  --output-limit N   bytes kept of stdout, and of stderr (default 262144); 0 keeps all
  --detached         goes on when the worker that runs the run loses it
  --json             as JSON, as in a pipe

Prints the process; runledger attach shows what it writes.`,
  parse: (args) => {
    const end = args.indexOf('--');
    const { values, positionals: rest } = parseOptions(end === -1 ? args : args.slice(0, end), {
      env: { type: 'string', multiple: true, default: [] },
      cwd: { type: 'string' },
      timeout: { type: 'string' },
      'output-limit': { type: 'string' },
      detached: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    });
    const [run] = positionals(rest, 'run');
    const [command, ...commandArgs] = end === -1 ? [] : args.slice(end + 1);
    if (command === undefined) throw new UsageError('missing argument: -- <command>');
    const { cwd, timeout, 'output-limit': outputLimit, detached } = values;
    const body = {
      command,
      args: commandArgs,
      env: Object.fromEntries(values.env.map(variable)),
      ...(cwd !== undefined && { cwd }),
      ...(timeout !== undefined && { timeout_seconds: positiveInteger('--timeout', timeout) }),
      ...(outputLimit !== undefined && {
        output_limit_bytes: wholeNumber('--output-limit', outputLimit, 0),
      }),
      ...(detached && { detached }),
    };
    return async ({ api, out }) => {
      await printOne(out, await api.call<Resource>('POST', processesPath(run), { body }), values.json);
      return exitCode.ok;
    };
  },
};

/** @throws UsageError */
function variable(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--env takes NAME=VALUE, not '${text}'`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}

export const kill: Command = {
  summary: 'end a process',
  help: `usage: runledger kill <process> [--signal S] [--grace N] [--json]

  --signal S   SIGTERM (default), SIGINT, SIGHUP, SIGQUIT, SIGKILL, SIGUSR1 or SIGUSR2
  --grace N    seconds until SIGKILL (default 5)
  --json       the process as JSON, as in a pipe`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, {
      signal: { type: 'string', default: 'SIGTERM' },
      grace: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
    });
    const [id] = positionals(rest, 'process');
    const body = { signal: values.signal, grace_seconds: wholeNumber('--grace', values.grace, 0) };
    return async ({ api, out }) => {
      const process = await api.call<Resource>('POST', `${processPath(id)}/terminate`, { body });
      await printOne(out, process, values.json);
      return exitCode.ok;
    };
  },
};

export const attach: Command = {
  summary: 'print what a process writes, until it has ended',
  help: `usage: runledger attach <process>

Prints what it has written and what it writes, stdout and stderr each to its own. When the server goes
away, waits for it and goes on where it was: no byte is lost or shown twice. Says so at the end when the
process wrote more than is kept of it, or could not be started.

Exits as the process did: its exit code, or 128+n after signal n; 1 when its host died; 130 after
Ctrl-C, which leaves the process as it is.`,
  parse: (args) => {
    const { positionals: rest } = parseOptions(args, {});
    const [id] = positionals(rest, 'process');
    return (context) =>
      interruptible(async (signal) => {
        await Promise.all([
          print(context, context.out, id, 'stdout', signal),
          print(context, context.err, id, 'stderr', signal),
        ]);
        return signal.aborted ? exitCode.interrupted : exitOf(context, id);
      });
  },
};

async function print(
  context: Context,
  output: Output,
  id: string,
  stream: 'stdout' | 'stderr',
  signal: AbortSignal,
): Promise<void> {
  const options = { query: { stream }, after: 0, signal };
  for await (const { type, data } of follow(context, `${processPath(id)}/output`, options)) {
    if (type !== 'output') continue;
    const { base64 } = JSON.parse(data) as { base64: string };
    await output.write(Buffer.from(base64, 'base64'));
  }
}

interface Ended {
  readonly exit_code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly reason: string | null;
  readonly output: Readonly<Record<'stdout' | 'stderr', { bytes: number; truncated: boolean }>>;
}

/** The exit code to end with, after telling what the output alone does not. */
async function exitOf({ api, err }: Context, id: string): Promise<number> {
  const process = await api.call<Ended>('GET', processPath(id));
  for (const [stream, { bytes, truncated }] of Object.entries(process.output)) {
    if (truncated) await err.write(`runledger: of its ${bytes} bytes of ${stream} only the first are kept\n`);
  }
  const cannot: readonly (number | null)[] = [exitCode.notExecutable, exitCode.notFound];
  if (process.reason !== null && cannot.includes(process.exit_code))
    await err.write(`runledger: ${process.reason}\n`);
  if (process.exit_code !== null) return process.exit_code;
  return process.signal === null ? exitCode.refused : 128 + constants.signals[process.signal];
}
