import { type Action, parseOptions, positionals } from './command.js';
import { exitCode } from './errors.js';
import { carriedOut, type Operation } from './operation.js';
import type { Output } from './output.js';
import { policyIn } from './retention-policies.js';
import { printOne, type Resource } from './table.js';
import { visible } from './visible.js';

interface Removal extends Resource {
  readonly ids: readonly string[];
  /** Of a sweep: manifests in the archive. */
  readonly archives?: readonly string[];
}

interface Sweep extends Operation {
  readonly result: { readonly removed: readonly Removal[]; readonly kept: number } | null;
}

export const preview = (args: readonly string[]): Action => {
  const { scope, kind, limits, json } = policyIn(args);
  return async ({ api, out }) => {
    const body = { scope, kind, ...limits };
    const removal = await api.call<Removal>('POST', '/v1/retention/preview', { body });
    await printOne(out, json || !out.terminal ? removal : inShort(removal), json);
    return exitCode.ok;
  };
};

export const apply = (args: readonly string[]): Action => {
  const { values, positionals: rest } = parseOptions(args, { json: { type: 'boolean', default: false } });
  positionals(rest);
  return async ({ api, out, err }) => {
    const asked = await api.call<Sweep>('POST', '/v1/retention/apply');
    const sweep = await carriedOut(api, err, asked, `/v1/operations/${asked.id}`, (_, bar) => `sweep ${bar}`);
    if (values.json || !out.terminal) await printOne(out, sweep, true);
    else await report(out, sweep);
    return sweep.status === 'succeeded' ? exitCode.ok : exitCode.refused;
  };
};

async function report(out: Output, { id, status, progress, result, error }: Sweep): Promise<void> {
  for (const removal of result?.removed ?? []) {
    await printOne(out, inShort(removal), false);
    await out.write('\n');
  }
  const kept = result?.kept ?? 0;
  const left = kept === 0 ? '' : `, ${kept} left out: held, running, under another policy or not archived`;
  const told = error === null ? `${progress.done} removed${left}` : visible(error);
  await out.write(`sweep ${id} ${status}: ${told}\n`);
}

/** Lists of ids as a line has room for them. */
const inShort = (removal: Removal): Resource => ({
  ...removal,
  ids: firstOf(removal.ids),
  ...(removal.archives && { archives: firstOf(removal.archives) }),
});

function firstOf(names: readonly string[]): string | null {
  if (names.length === 0) return null;
  const more = names.length - 3;
  return names.slice(0, 3).join(' ') + (more > 0 ? ` and ${more} more` : '');
}
