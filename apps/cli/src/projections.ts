import type { Api } from './api.js';
import { type Command, parseOptions } from './command.js';
import { exitCode, UsageError } from './errors.js';
import { carriedOut, type Operation } from './operation.js';
import type { Output } from './output.js';
import { type Column, printList, type Resource } from './table.js';

interface Rebuild extends Operation {
  readonly projection: string;
  readonly events_per_second: number;
  readonly result: {
    readonly identical?: boolean;
    readonly tables?: readonly { table: string; differences: number; examples: readonly string[] }[];
  } | null;
}

const columns: readonly Column[] = ['name', 'version', 'state', 'position', 'lag_events', 'lag_ms'];

export const projections: Command = {
  summary: 'show, rebuild and verify the read models',
  help: `usage: runledger projections status [--json]
       runledger projections rebuild <name> [--json]
       runledger projections verify [<name>...] [--json]

  status    how far each projection has come
  rebuild   builds one anew beside what serves, and cuts over; no read fails meanwhile
  verify    folds the events anew and compares row by row with what serves: all read models, or
            those that are named; exit code 1 when a row differs

  --json    one JSON document per line, as in a pipe`,
  parse: (args) => {
    const { values, positionals } = parseOptions(args, { json: { type: 'boolean', default: false } });
    const [action, ...names] = positionals;
    const { json } = values;
    switch (action) {
      case 'status':
        if (names.length > 0) throw new UsageError('status takes no name');
        return async ({ api, out }) => {
          const { data } = await api.call<{ data: Resource[] }>('GET', '/v1/projections');
          await printList(out, data, columns, json);
          return exitCode.ok;
        };
      case 'rebuild': {
        const [name, ...more] = names;
        if (name === undefined || more.length > 0)
          throw new UsageError('rebuild takes the name of one projection');
        return async ({ api, out, err }) =>
          report(out, await ended(api, err, await ask(api, name, 'rebuild')), json);
      }
      case 'verify':
        return async ({ api, out, err }) => {
          let worst: number = exitCode.ok;
          // Asked for together they share one reading of the events.
          const asked = (names.length > 0 ? names : await readModels(api)).map((name) =>
            ask(api, name, 'verify'),
          );
          // What fails is told in its turn.
          for (const one of asked) one.catch(() => undefined);
          for (const one of asked) {
            worst = Math.max(worst, await report(out, await ended(api, err, await one), json));
          }
          return worst;
        };
      default:
        throw new UsageError('projections takes status, rebuild or verify');
    }
  },
};

async function readModels(api: Api): Promise<string[]> {
  const { data } = await api.call<{ data: { name: string; rebuildable: boolean }[] }>(
    'GET',
    '/v1/projections',
  );
  return data.filter(({ rebuildable }) => rebuildable).map(({ name }) => name);
}

const rebuildsOf = (name: string): string => `/v1/projections/${encodeURIComponent(name)}/rebuilds`;

const ask = (api: Api, name: string, mode: 'rebuild' | 'verify'): Promise<Rebuild> =>
  api.call<Rebuild>('POST', rebuildsOf(name), { body: { mode } });

const ended = (api: Api, err: Output, asked: Rebuild): Promise<Rebuild> =>
  carriedOut(
    api,
    err,
    asked,
    `${rebuildsOf(asked.projection)}/${asked.id}`,
    ({ projection, events_per_second }, bar) => `${projection} ${bar} events, ${events_per_second}/s`,
  );

async function report(out: Output, rebuild: Rebuild, json: boolean): Promise<number> {
  const differing = (rebuild.result?.tables ?? []).filter(({ differences }) => differences > 0);
  if (json || !out.terminal) await out.write(`${JSON.stringify(rebuild)}\n`);
  else {
    await out.write(`${rebuild.projection}: ${verdict(rebuild)}\n`);
    for (const { table, differences, examples } of differing) {
      await out.write(`  ${table}: ${differences} rows differ, such as ${examples.join(', ')}\n`);
    }
  }
  return rebuild.status === 'succeeded' && differing.length === 0 ? exitCode.ok : exitCode.refused;
}

function verdict({ status, result, progress, events_per_second, error }: Rebuild): string {
  const told = `${progress.done} events, ${events_per_second}/s`;
  if (status !== 'succeeded') return `${status}: ${error ?? 'for no known reason'}`;
  if (result?.identical === undefined) return `rebuilt from ${told}`;
  return result.identical ? `identical to a replay of ${told}` : `DIFFERS from a replay of ${told}`;
}
