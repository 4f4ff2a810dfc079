import { type Command, parseOptions, positionals, positiveInteger } from './command.js';
import { exitCode } from './errors.js';
import { printList, printOne, type Resource } from './table.js';

export const sessions: Command = {
  summary: 'list sessions, newest first',
  help: `usage: runledger sessions [--status S] [--tag T] [--all] [--limit N] [--json]

  --status S   only sessions in these states (a comma list)
  --tag T      only sessions with this tag
  --all        empty and archived sessions too
  --limit N    at most N sessions (default 20)
  --json       one JSON document per line, as in a pipe`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, {
      status: { type: 'string' },
      tag: { type: 'string' },
      all: { type: 'boolean', default: false },
      limit: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    });
    positionals(rest);
    const limit = positiveInteger('--limit', values.limit);
    const query = {
      status: values.status,
      tag: values.tag,
      ...(values.all && { archived: 'any', include_empty: 'true' }),
    };
    return async ({ api, out }) => {
      const columns = ['id', 'status', 'created_at', 'updated_at', 'title'];
      await printList(out, api.list<Resource>('/v1/sessions', limit, query), columns, values.json);
      return exitCode.ok;
    };
  },
};

export const session: Command = {
  summary: 'show one session',
  help: `usage: runledger session <id> [--json]

  --json   as JSON, as in a pipe`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, { json: { type: 'boolean', default: false } });
    const [id] = positionals(rest, 'id');
    return async ({ api, out }) => {
      await printOne(
        out,
        await api.call<Resource>('GET', `/v1/sessions/${encodeURIComponent(id)}`),
        values.json,
      );
      return exitCode.ok;
    };
  },
};
