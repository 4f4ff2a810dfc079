import { type Command, parseOptions, positionals, positiveInteger } from './command.js';
import { exitCode } from './errors.js';
import { type Column, printList, printOne, type Resource } from './table.js';

const columns: readonly Column[] = ['id', 'status', 'kind', 'source', 'created_at', 'ended_at', 'session_id'];

export const runs: Command = {
  summary: 'list runs, newest first',
  help: `usage: runledger runs [--session ID] [--status S] [--limit N] [--json]

  --session ID   only runs of this session
  --status S     only runs in these states (a comma list): pending, running, completed, failed or
                 cancelled
  --limit N      at most N runs (default 20)
  --json         one JSON document per line, as in a pipe`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, {
      session: { type: 'string' },
      status: { type: 'string' },
      limit: { type: 'string', default: '20' },
      json: { type: 'boolean', default: false },
    });
    positionals(rest);
    const limit = positiveInteger('--limit', values.limit);
    const query = { session_id: values.session, status: values.status };
    return async ({ api, out }) => {
      await printList(out, api.list<Resource>('/v1/runs', limit, query), columns, values.json);
      return exitCode.ok;
    };
  },
};

export const run: Command = {
  summary: 'show one run',
  help: `usage: runledger run <id> [--json]

  --json   as JSON, as in a pipe`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, { json: { type: 'boolean', default: false } });
    const [id] = positionals(rest, 'id');
    return async ({ api, out }) => {
      await printOne(out, await api.call<Resource>('GET', `/v1/runs/${encodeURIComponent(id)}`), values.json);
      return exitCode.ok;
    };
  },
};

export const cancel: Command = {
  summary: 'cancel a run, and the runs below it',
  help: `usage: runledger cancel <run> [--reason TEXT]

  --reason TEXT   kept with the run

Its processes are terminated, and its worker hears of it with its next heartbeat. A run that is over
stays as it is.`,
  parse: (args) => {
    const { values, positionals: rest } = parseOptions(args, { reason: { type: 'string' } });
    const [id] = positionals(rest, 'run');
    return async ({ api, out }) => {
      const body = values.reason === undefined ? {} : { reason: values.reason };
      const path = `/v1/runs/${encodeURIComponent(id)}/cancel`;
      const { run } = await api.call<{ run: { status: string } }>('POST', path, { body });
      await out.write(`${run.status}\n`);
      return exitCode.ok;
    };
  },
};
