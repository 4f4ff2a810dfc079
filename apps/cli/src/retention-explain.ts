import { type Action, parseOptions, positionals } from './command.js';
import { exitCode, UsageError } from './errors.js';
import type { Output } from './output.js';
import { holdColumns } from './retention-holds.js';
import { printList, printOne, type Resource } from './table.js';

interface Count {
  readonly count: number;
  readonly bytes: number;
}

interface Retention extends Resource {
  readonly kinds: readonly {
    readonly kind: string;
    readonly policy: Resource | null;
    readonly expires_at: string | null;
    readonly over_size: boolean;
    readonly stored: Count;
    readonly purged: Count;
    readonly shared_with: readonly string[];
  }[];
  readonly running: boolean;
  readonly legal_holds: readonly Resource[];
}

export const explain = (args: readonly string[]): Action => {
  const { values, positionals: rest } = parseOptions(args, { json: { type: 'boolean', default: false } });
  const [of, id] = positionals(rest, 'run or session', 'id');
  if (!['run', 'session'].includes(of)) throw new UsageError('explain takes run or session');
  return async ({ api, out }) => {
    const retention = await api.call<Retention>('GET', `/v1/${of}s/${encodeURIComponent(id)}/retention`);
    if (values.json || !out.terminal) await printOne(out, retention, true);
    else await report(out, retention);
    return exitCode.ok;
  };
};

const columns = ['kind', 'policy', 'max_age', 'max_bytes', 'action', 'expires_at', 'stored', 'removed'];

async function report(out: Output, { kinds, running, legal_holds }: Retention): Promise<void> {
  const rows = kinds.map(({ kind, policy, expires_at, stored, purged }) => ({
    ...policy,
    kind,
    policy: policy?.['scope'] ?? 'none',
    expires_at,
    stored: counted(stored),
    removed: counted(purged),
  }));
  await printList(out, rows, columns, false);
  for (const { kind, over_size, shared_with } of kinds) {
    if (over_size) await out.write(`${kind}: more than max_bytes\n`);
    if (shared_with.length > 0) await out.write(`${kind}: forks show some of it: ${shared_with.join(' ')}\n`);
  }
  if (running) await out.write('a run has not ended: nothing of what runs is removed\n');
  if (legal_holds.length === 0) return;
  await out.write('\nlegal holds keep it:\n');
  await printList(out, legal_holds, holdColumns, false);
}

const counted = ({ count, bytes }: Count): string => `${count} (${bytes} bytes)`;
