import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError, exitCode, UsageError } from './errors.js';

export interface Settings {
  /** Base URL of the server, with the path that a proxy serves it under; without `/v1` or a slash at the end. */
  readonly url: string;
  readonly key: string;
}

/**
 * `RUNLEDGER_URL` and `RUNLEDGER_API_KEY`, else what the local server left in `DATA_DIR`
 * (default `./.data`). The local key is never sent to a server that `RUNLEDGER_URL` names.
 * @throws CliError when no server or no key is known, UsageError when one is given that cannot be used
 */
export const readSettings = async (env: NodeJS.ProcessEnv): Promise<Settings> => {
  if (env.RUNLEDGER_URL !== undefined) {
    const url = baseUrl(env.RUNLEDGER_URL);
    if (url === undefined)
      throw new UsageError('RUNLEDGER_URL must be an http:// or https:// address without a user or a query');
    if (env.RUNLEDGER_API_KEY === undefined)
      throw unknown('RUNLEDGER_URL is set and RUNLEDGER_API_KEY is not');
    return { url, key: sendable(env.RUNLEDGER_API_KEY) };
  }
  const directory = env.DATA_DIR ?? './.data';
  const none =
    `no server is known: ${directory} is not the data directory of a server that has started; ` +
    'set DATA_DIR, or RUNLEDGER_URL and RUNLEDGER_API_KEY';
  const url = localUrl(await readText(join(directory, 'server.json'), none));
  const noKey = `no key is known: the server of ${directory} was given one; set RUNLEDGER_API_KEY`;
  const key = env.RUNLEDGER_API_KEY ?? (await readText(join(directory, 'api-key'), noKey));
  return { url, key: sendable(key) };
};

const unknown = (reason: string): CliError => new CliError(reason, exitCode.unavailable);

/** Where the paths of the API begin, which people may name with their `/v1`; undefined when that is no place of a server. */
const baseUrl = (text: string): string | undefined => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
  const { username, password, search, hash, origin, pathname } = url;
  return username + password + search + hash === ''
    ? origin + pathname.replace(/(\/+v1)?\/*$/, '')
    : undefined;
};

/** A key as a header takes it: what else it may hold must not be shown with the header's error. */
const sendable = (key: string): string => {
  if (/^[\x21-\x7e]+$/.test(key.trim())) return key.trim();
  throw new UsageError('RUNLEDGER_API_KEY must be visible ASCII characters');
};

const localUrl = (text: string): string => {
  try {
    const { url } = JSON.parse(text) as { url?: unknown };
    const base = baseUrl(String(url));
    if (base !== undefined) return base;
  } catch {
    // Said below: a half-written file and one without a URL are the same to the user.
  }
  throw unknown('server.json of the local server holds no url; start the server again');
};

const readText = async (file: string, otherwise: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8');
  } catch {
    throw unknown(otherwise);
  }
};
