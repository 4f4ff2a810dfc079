import { type Action, type Command, listOf, parseOptions, positionals } from './command.js';
import { exitCode, UsageError } from './errors.js';
import { printOne, type Resource } from './table.js';

export const keys: Command = {
  summary: 'create, list and revoke API keys (admin)',
  help: `usage: runledger keys create --name NAME --role ROLE [--project ID] [--user ID] [--expires TIME] [--json]
       runledger keys list [--limit N] [--json]
       runledger keys revoke <id>

  --name NAME      what the key is for
  --role ROLE      viewer, user, worker, auditor, operator or admin
  --project ID     project of the key (default: your own)
  --user ID        user the key acts for (default: a new one)
  --expires TIME   RFC 3339 time after which it is refused (default: never)
  --limit N        at most N keys (default 100)
  --json           as JSON, as in a pipe

The key itself is shown once, by create.`,
  parse: ([verb, ...args]) => {
    if (verb === undefined) throw new UsageError('missing argument: create, list or revoke');
    const parse = new Map(Object.entries({ create, list, revoke })).get(verb);
    if (parse === undefined) throw new UsageError(`unknown command 'keys ${verb}'`);
    return parse(args);
  },
};

const create = (args: readonly string[]): Action => {
  const { values, positionals: rest } = parseOptions(args, {
    name: { type: 'string' },
    role: { type: 'string' },
    project: { type: 'string' },
    user: { type: 'string' },
    expires: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  positionals(rest);
  const { name, role, user, expires } = values;
  if (name === undefined) throw new UsageError('missing option --name');
  if (role === undefined) throw new UsageError('missing option --role');
  return async ({ api, out }) => {
    const project_id = values.project ?? (await api.call<{ project_id: string }>('GET', '/v1/me')).project_id;
    const body = {
      name,
      role,
      project_id,
      ...(user !== undefined && { user_id: user }),
      ...(expires !== undefined && { expires_at: expires }),
    };
    await printOne(out, await api.call<Resource>('POST', '/v1/api-keys', { body }), values.json);
    return exitCode.ok;
  };
};

const list = listOf('/v1/api-keys', [
  'id',
  'name',
  'role',
  'project_id',
  'user_id',
  'created_at',
  'expires_at',
]);

const revoke = (args: readonly string[]): Action => {
  const [id] = positionals(parseOptions(args, {}).positionals, 'id');
  return async ({ api, err }) => {
    await api.call('DELETE', `/v1/api-keys/${encodeURIComponent(id)}`);
    await err.write(`revoked ${id}\n`);
    return exitCode.ok;
  };
};
