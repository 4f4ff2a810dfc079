import { type Action, parseOptions, positionals, positiveInteger } from './command.js';
import { exitCode, UsageError } from './errors.js';
import { type Column, printList, printOne, type Resource } from './table.js';

/** Of legal holds that stand. */
export const holdColumns: readonly Column[] = [
  'id',
  { title: 'subject', cell: ({ subject }) => nameOf(subject as Readonly<Record<string, string>>) },
  'reason',
  'placed_at',
  'placed_by',
];

/** As `hold` takes it: `run <id>`. */
const nameOf = (subject: Readonly<Record<string, string>>): string =>
  Object.entries(subject)
    .map(([field, id]) => `${field.replace('_id', '')} ${id}`)
    .join();

export const holds = (args: readonly string[]): Action => {
  const { values, positionals: rest } = parseOptions(args, {
    all: { type: 'boolean', default: false },
    limit: { type: 'string', default: '100' },
    json: { type: 'boolean', default: false },
  });
  positionals(rest);
  const limit = positiveInteger('--limit', values.limit);
  const query = values.all ? { released: 'any' } : {};
  const columns = values.all ? [...holdColumns, 'released_at', 'release_reason'] : holdColumns;
  return async ({ api, out }) => {
    await printList(out, api.list<Resource>('/v1/legal-holds', limit, query), columns, values.json);
    return exitCode.ok;
  };
};

export const hold = (args: readonly string[]): Action => {
  const { values, positionals: rest } = parseOptions(args, {
    reason: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const [of, id] = positionals(rest, 'run, session or user', 'id');
  if (!['run', 'session', 'user'].includes(of)) throw new UsageError('hold takes run, session or user');
  const { reason, json } = values;
  if (reason === undefined) throw new UsageError('missing option --reason');
  return async ({ api, out }) => {
    const body = { subject: { [`${of}_id`]: id }, reason };
    await printOne(out, await api.call<Resource>('POST', '/v1/legal-holds', { body }), json);
    return exitCode.ok;
  };
};

export const release = (args: readonly string[]): Action => {
  const { values, positionals: rest } = parseOptions(args, { reason: { type: 'string' } });
  const [id] = positionals(rest, 'hold');
  return async ({ api, err }) => {
    await api.call('DELETE', `/v1/legal-holds/${encodeURIComponent(id)}`, {
      query: { reason: values.reason },
    });
    await err.write(`released ${id}\n`);
    return exitCode.ok;
  };
};
