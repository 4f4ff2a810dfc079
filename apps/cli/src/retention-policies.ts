import { type Action, listOf, parseOptions, positionals, wholeNumber } from './command.js';
import { exitCode } from './errors.js';
import { printOne, type Resource } from './table.js';

export const list = listOf('/v1/retention/policies', [
  'scope',
  'kind',
  'max_age',
  'max_bytes',
  'action',
  'updated_at',
  'updated_by',
]);

/** Reads a policy as it is set or tried. @throws UsageError */
export const policyIn = (args: readonly string[]) => {
  const { values, positionals: rest } = parseOptions(args, {
    'max-age': { type: 'string' },
    'max-bytes': { type: 'string' },
    action: { type: 'string' },
    json: { type: 'boolean', default: false },
  });
  const [scope, kind] = positionals(rest, 'scope', 'kind');
  const { 'max-age': max_age, 'max-bytes': bytes, action, json } = values;
  const max_bytes = bytes === undefined ? undefined : wholeNumber('--max-bytes', bytes, 0);
  return { scope, kind, limits: { max_age, max_bytes, action }, json };
};

export const set = (args: readonly string[]): Action => {
  const { scope, kind, limits: body, json } = policyIn(args);
  return async ({ api, out }) => {
    await printOne(out, await api.call<Resource>('PUT', pathOf(scope, kind), { body }), json);
    return exitCode.ok;
  };
};

export const remove = (args: readonly string[]): Action => {
  const [scope, kind] = positionals(parseOptions(args, {}).positionals, 'scope', 'kind');
  return async ({ api, err }) => {
    await api.call('DELETE', pathOf(scope, kind));
    await err.write(`removed the policy of ${scope} for ${kind}\n`);
    return exitCode.ok;
  };
};

const pathOf = (scope: string, kind: string): string =>
  `/v1/retention/policies/${encodeURIComponent(scope)}/${encodeURIComponent(kind)}`;
