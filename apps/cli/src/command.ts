import { parseArgs, type ParseArgsConfig } from 'node:util';
import type { Api } from './api.js';
import { exitCode, UsageError } from './errors.js';
import type { Output } from './output.js';
import { printList, type Resource } from './table.js';

/** What a command may use; all of it can be stood in for. */
export interface Context {
  readonly api: Api;
  readonly out: Output;
  readonly err: Output;
}

export interface Command {
  /** One line for the list of commands. */
  readonly summary: string;
  /** The whole `--help` text. */
  readonly help: string;
  /** Reads the command line before anything else is done. @throws UsageError */
  readonly parse: (args: readonly string[]) => Action | OfflineAction;
}

/** A parsed command: answers the exit code. */
export type Action = (context: Context) => Promise<number>;

/** A parsed command that asks no server. */
export interface OfflineAction {
  readonly offline: (context: Omit<Context, 'api'> & { readonly env: NodeJS.ProcessEnv }) => Promise<number>;
}

/** `util.parseArgs`, strict, with one clear line for what it cannot read. @throws UsageError */
export const parseOptions = <const O extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: O,
) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new UsageError(message.split('. To specify a positional')[0]?.replaceAll('\n', ' ') ?? message);
  }
};

/** @throws UsageError when there are more or fewer positionals than names */
export const positionals = <const N extends readonly string[]>(
  given: readonly string[],
  ...names: N
): { [K in keyof N]: string } => {
  const missing = names[given.length];
  if (missing !== undefined) throw new UsageError(`missing argument <${missing}>`);
  const extra = given[names.length];
  if (extra !== undefined) throw new UsageError(`unexpected argument '${extra}'`);
  return given as unknown as { [K in keyof N]: string };
};

/** @throws UsageError */
export const positiveInteger = (option: string, value: string): number => wholeNumber(option, value, 1);

/** @throws UsageError */
export const wholeNumber = (option: string, value: string, least: number): number => {
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number) || number < least)
    throw new UsageError(`${option} must be a whole number from ${least}`);
  return number;
};

/** A command that shows the newest of a list which has no filters. */
export const listOf =
  (path: string, columns: readonly string[]) =>
  (args: readonly string[]): Action => {
    const { values, positionals: rest } = parseOptions(args, {
      limit: { type: 'string', default: '100' },
      json: { type: 'boolean', default: false },
    });
    positionals(rest);
    const limit = positiveInteger('--limit', values.limit);
    return async ({ api, out }) => {
      await printList(out, api.list<Resource>(path, limit), columns, values.json);
      return exitCode.ok;
    };
  };
