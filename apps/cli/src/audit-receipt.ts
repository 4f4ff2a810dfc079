import { writeFile } from 'node:fs/promises';
import type { Receipt } from '#evidence';
import { type Action, parseOptions, positionals, wholeNumber } from './command.js';
import { CliError, exitCode } from './errors.js';

export const receipt = (args: readonly string[]): Action => {
  const { values, positionals: rest } = parseOptions(args, { out: { type: 'string' } });
  const [given] = positionals(rest, 'position');
  const position = wholeNumber('position', given, 1);
  return async ({ api, out }) => {
    const text = `${JSON.stringify(await api.call<Receipt>('GET', `/v1/audit/receipts/${position}`))}\n`;
    if (values.out === undefined) await out.write(text);
    else await writeNew(values.out, text);
    return exitCode.ok;
  };
};

/** A new file only: no receipt is written over another. */
async function writeNew(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx' });
  } catch (error) {
    throw new CliError(`${file} cannot be written: ${(error as Error).message}`, exitCode.usage);
  }
}
