import { existsSync } from 'node:fs';
import { type FileHandle, mkdir, open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exportFiles, linesOf, type Manifest, manifestFile, manifestText } from '#evidence';
import { type Action, parseOptions, positionals, wholeNumber } from './command.js';
import { CliError, exitCode, UsageError } from './errors.js';

export const exportAudit = (args: readonly string[]): Action => {
  const { values, positionals: rest } = parseOptions(args, {
    out: { type: 'string' },
    'from-position': { type: 'string', default: '0' },
    instance: { type: 'boolean', default: false },
  });
  positionals(rest);
  const { out: dir, instance } = values;
  if (dir === undefined) throw new UsageError('missing option --out');
  const from_position = wholeNumber('--from-position', values['from-position'], 0);
  return async ({ api, err }) => {
    const bytes = api.bytes('/v1/audit/export', { from_position, instance: String(instance) });
    const { events, withheld, scope } = await writeExport(bytes, dir);
    await err.write(`${events} events (and ${withheld} withheld) of ${scope} are in ${dir}\n`);
    return exitCode.ok;
  };
};

/**
 * Parts the lines of an export among its files, which are made when the first have come: where there is no export,
 * nothing is left. The manifest comes last, when all the rest is there.
 */
async function writeExport(bytes: AsyncIterable<Uint8Array>, dir: string): Promise<Manifest> {
  let files: Awaited<ReturnType<typeof openFiles>> | undefined;
  let manifest: Manifest | undefined;
  try {
    for await (const { lines } of linesOf(bytes)) {
      files ??= await openFiles(dir);
      const parts = { events: [] as Buffer[], checkpoints: [] as Buffer[] };
      for (const line of lines) {
        const start = line.toString('latin1', 0, 6);
        if (/^\{"n":\d/.test(start)) parts.events.push(line, lineBreak);
        else if (start === '{"size') parts.checkpoints.push(line, lineBreak);
        else manifest = JSON.parse(line.toString()) as Manifest;
      }
      await files.events.write(Buffer.concat(parts.events));
      await files.checkpoints.write(Buffer.concat(parts.checkpoints));
    }
    for (const file of Object.values(files ?? {})) await file.sync();
  } finally {
    for (const file of Object.values(files ?? {})) await file.close();
  }
  if (manifest === undefined)
    throw new CliError('the export broke off: there is no manifest', exitCode.refused);
  await writeFile(join(dir, manifestFile), manifestText(manifest), { flag: 'wx' });
  return manifest;
}

const lineBreak = Buffer.from('\n');

const whatIsIn = (dir: string): string =>
  existsSync(join(dir, manifestFile))
    ? `${dir} holds an export already: name another folder`
    : `${dir} holds what there is of an export that broke off, for it has no ${manifestFile}: remove it, or name another folder`;

/** New files only: an export is never written over another. */
async function openFiles(dir: string): Promise<Record<keyof typeof exportFiles, FileHandle>> {
  try {
    await mkdir(dir, { recursive: true });
    return {
      events: await open(join(dir, exportFiles.events), 'wx', 0o600),
      checkpoints: await open(join(dir, exportFiles.checkpoints), 'wx', 0o600),
    };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? whatIsIn(dir) : `${dir} cannot be written: ${message}`;
    throw new CliError(why, exitCode.usage);
  }
}
