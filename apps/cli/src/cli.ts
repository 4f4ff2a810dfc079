import { createRequire } from 'node:module';
import { Api } from './api.js';
import { audit } from './audit.js';
import type { Command } from './command.js';
import { CliError, exitCode, UsageError } from './errors.js';
import { exec } from './exec.js';
import { keys } from './keys.js';
import { logs } from './logs.js';
import { type Output, OutputClosed } from './output.js';
import { attach, kill, ps, start } from './processes.js';
import { projections } from './projections.js';
import { retention } from './retention.js';
import { cancel, run, runs } from './runs.js';
import { session, sessions } from './sessions.js';
import { readSettings } from './settings.js';
import { watch } from './watch.js';

const commands = new Map<string, Command>(
  Object.entries({
    exec,
    logs,
    watch,
    runs,
    run,
    cancel,
    sessions,
    session,
    ps,
    start,
    attach,
    kill,
    keys,
    projections,
    retention,
    audit,
  }),
);

const help = `usage: runledger <command> [options]
       runledger --version

${[...commands].map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`).join('\n')}

runledger <command> --help tells more about one command.

The server: RUNLEDGER_URL and RUNLEDGER_API_KEY, else the local server whose data directory is
DATA_DIR (default ./.data). RUNLEDGER_URL is an http:// or https:// address, with the path that a proxy
serves it under, if any; /v1 at its end may stand or not.

Exit codes: 0 done, 1 the server refused or a file cannot be written, 2 wrong command line or setting,
69 no server; exec and attach exit as the command did; watch with 1 for a run that did not complete; 130
after Ctrl-C.`;

const version = (): string =>
  (createRequire(import.meta.url)('#package.json') as { version: string }).version;

/** Carries out one command line. Answers the exit code; prints every expected failure as one sentence. */
export const cli = async (
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  out: Output,
  err: Output,
): Promise<number> => {
  try {
    return await dispatch(argv, env, out, err);
  } catch (error) {
    if (error instanceof OutputClosed) return exitCode.ok;
    if (!(error instanceof CliError) && !isOfSystem(error)) throw error;
    const own = error instanceof UsageError || !(error instanceof CliError);
    await err.write(`${own ? 'runledger: ' : ''}${error.message}\n`);
    return error instanceof CliError ? error.exitCode : exitCode.failed;
  }
};

/** The system refused, as it does with a full disk: its message is all that its user needs. */
const isOfSystem = (error: unknown): error is Error => error instanceof Error && 'syscall' in error;

const dispatch = async (
  [name, ...args]: readonly string[],
  env: NodeJS.ProcessEnv,
  out: Output,
  err: Output,
): Promise<number> => {
  if (name === undefined) throw new UsageError('missing command; runledger --help lists them');
  if (name === 'help' && args[0] !== undefined) return dispatch([args[0], '--help'], env, out, err);
  if (name === '--help' || name === '-h' || name === 'help') return print(out, help);
  if (name === '--version' || name === '-V') return print(out, version());
  const command = commands.get(name);
  if (command === undefined) throw new UsageError(`unknown command '${name}'; runledger --help lists them`);
  const end = args.indexOf('--');
  if (args.slice(0, end === -1 ? args.length : end).some((arg) => arg === '--help' || arg === '-h')) {
    return print(out, command.help);
  }
  const action = command.parse(args);
  if ('offline' in action) return action.offline({ out, err, env });
  return action({ api: new Api(await readSettings(env)), out, err });
};

const print = async (out: Output, text: string): Promise<number> => {
  await out.write(`${text}\n`);
  return exitCode.ok;
};
