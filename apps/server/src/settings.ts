import { join, resolve } from 'node:path';
import { StartProblem } from './start-problem.js';

export const roles = ['api', 'projector', 'host', 'sweeper'] as const;
export type ServerRole = (typeof roles)[number];

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

export const sandboxDrivers = ['local', 'docker'] as const;
export type SandboxDriverName = (typeof sandboxDrivers)[number];

const flags = ['true', 'false'] as const;

export interface Settings {
  /** 0 means any free one. */
  readonly port: number;
  readonly host: string;
  /** Absolute path. */
  readonly dataDir: string;
  /** Postgres of the read models; absent: the embedded one under `dataDir`. */
  readonly databaseUrl?: string;
  /** KurrentDB; absent: events are kept in Postgres. */
  readonly eventStoreUrl?: string;
  readonly roles: ReadonlySet<ServerRole>;
  /** What this process opens sandboxes with, in the role `host`. */
  readonly sandboxDriver: SandboxDriverName;
  /** Absent: one is minted at the first start. */
  readonly bootstrapApiKey?: string;
  readonly logLevel: LogLevel;
  readonly retentionIntervalMs: number;
  /** `file://` or `s3://`; absent: nothing is archived. */
  readonly archiveUrl?: string;
  /** Whose JWTs are taken beside our own keys; absent: nobody's. */
  readonly tokens?: { readonly issuer: string; readonly audience: string; readonly jwks: string };
  /** Requests a minute that each caller has with this process; absent: as many as it likes. */
  readonly rateLimit?: number;
  /** Absolute path of the private key that signs the audit. */
  readonly auditKeyFile: string;
  /** For how many days it is kept who has read what, and who was refused. */
  readonly auditAccessDays: number;
  /** Whether webhooks may be sent to this host, its networks and its cloud. */
  readonly webhooksAllowPrivate: boolean;
}

/** Reads the settings from an environment; an empty value is an unset one, but no roles are not all. Throws a `StartProblem` that names the wrong one. */
export function readSettings(env: Readonly<Record<string, string | undefined>>): Settings {
  const read = (name: string) => env[name]?.trim() || undefined;
  const databaseUrl = url('DATABASE_URL', read('DATABASE_URL'), ['postgres:', 'postgresql:']);
  const eventStoreUrl = url('EVENTSTORE_URL', read('EVENTSTORE_URL'), eventStores);
  const archiveUrl = archive(url('ARCHIVE_URL', read('ARCHIVE_URL'), ['file:', 's3:']));
  const bootstrapApiKey = apiKey(read('BOOTSTRAP_API_KEY'));
  const tokens = tokenIssuer(read('JWT_ISSUER'), read('JWT_AUDIENCE'), read('JWT_JWKS'));
  const rateLimit = positive('RATE_LIMIT', read('RATE_LIMIT'));
  const dataDir = resolve(read('DATA_DIR') ?? '.data');
  return {
    port: port(read('PORT') ?? '8080'),
    host: host(read('HOST') ?? '127.0.0.1'),
    dataDir,
    roles: new Set(
      (env['ROLES'] ?? roles.join()).split(',').map((role) => oneOf('ROLES', role.trim(), roles)),
    ),
    sandboxDriver: oneOf('SANDBOX_DRIVER', read('SANDBOX_DRIVER') ?? 'local', sandboxDrivers),
    logLevel: oneOf('LOG_LEVEL', read('LOG_LEVEL') ?? 'info', logLevels),
    retentionIntervalMs: duration('RETENTION_INTERVAL', read('RETENTION_INTERVAL') ?? 'PT1H'),
    auditKeyFile: resolve(read('AUDIT_KEY_FILE') ?? join(dataDir, 'audit-key.pem')),
    auditAccessDays: days('AUDIT_ACCESS_DAYS', read('AUDIT_ACCESS_DAYS') ?? '365'),
    webhooksAllowPrivate:
      oneOf('WEBHOOKS_ALLOW_PRIVATE', read('WEBHOOKS_ALLOW_PRIVATE') ?? 'false', flags) === 'true',
    ...(databaseUrl !== undefined && { databaseUrl }),
    ...(eventStoreUrl !== undefined && { eventStoreUrl }),
    ...(archiveUrl !== undefined && { archiveUrl }),
    ...(bootstrapApiKey !== undefined && { bootstrapApiKey }),
    ...(rateLimit !== undefined && { rateLimit }),
    ...(tokens !== undefined && { tokens }),
  };
}

const eventStores = ['kurrentdb:', 'kurrentdb+discover:', 'kdb:', 'kdb+discover:', 'esdb:', 'esdb+discover:'];

function port(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw wrong('PORT', text, 'a whole number from 0 to 65535');
}

function tokenIssuer(
  issuer: string | undefined,
  audience: string | undefined,
  jwks: string | undefined,
): Settings['tokens'] {
  if (issuer === undefined && jwks === undefined) return undefined;
  if (issuer === undefined) throw wrong('JWT_ISSUER', undefined, 'set where JWT_JWKS is');
  if (jwks === undefined || /^(?!https:)[a-z]{2,}:/.test(jwks)) {
    throw wrong('JWT_JWKS', jwks, 'an https:// address or the path of a file, set where JWT_ISSUER is');
  }
  return { issuer, audience: audience ?? 'runledger', jwks };
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw wrong(name, text, 'a whole number from 1 to 999999999');
}

function days(name: string, text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) > 0) return Number(text);
  throw wrong(name, text, 'a whole number of days from 1 to 99999');
}

function host(text: string): string {
  if (/^[\w.:%-]+$/.test(text)) return text;
  throw wrong('HOST', text, 'an IP address or a host name');
}

function oneOf<T extends string>(name: string, text: string, allowed: readonly T[]): T {
  const found = allowed.find((value) => value === text);
  if (found !== undefined) return found;
  const list = name === 'ROLES' ? 'a comma-separated list of ' : 'one of ';
  throw wrong(name, text, list + allowed.join(', '));
}

/** The value is not repeated in the sentence: it may carry a password. */
function url(name: string, text: string | undefined, protocols: readonly string[]): string | undefined {
  if (text === undefined) return undefined;
  // A cluster's "a:2113,b:2113" is no URL to the parser, which is why its hosts are left out here.
  const protocol = /^([a-z0-9+]+:)\/\/./.exec(text)?.[1];
  if (protocol !== undefined && protocols.includes(protocol) && !/\s/.test(text)) return text;
  throw wrong(name, undefined, `a URL that starts with ${protocols.map((one) => `${one}//`).join(' or ')}`);
}

/** `file://var/archive`, with a slash too few, would name the host `var`; `s3:///archive`, with one too many, no bucket. */
function archive(text: string | undefined): string | undefined {
  if (text?.startsWith('s3:///') === true) {
    throw wrong('ARCHIVE_URL', undefined, 'a bucket behind s3://, such as s3://bucket/archive');
  }
  if (text === undefined || !/^file:\/\/(?!\/|localhost\/)/.test(text)) return text;
  throw wrong('ARCHIVE_URL', undefined, 'an absolute path behind file://, such as file:///var/archive');
}

function apiKey(text: string | undefined): string | undefined {
  if (text === undefined || /^[\x21-\x7e]{16,255}$/.test(text)) return text;
  throw wrong('BOOTSTRAP_API_KEY', undefined, '16 to 255 visible ASCII characters');
}

const units = /^P(?=\d|T\d)(?:(\d+)W)?(?:(\d+)D)?(?:T(?=\d)(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/;
const unitSeconds = [604_800, 86_400, 3_600, 60, 1];

/** Milliseconds of an ISO 8601 duration. Years and months are refused: they have no fixed length. */
function duration(name: string, text: string): number {
  const counts = (units.exec(text)?.slice(1) as (string | undefined)[] | undefined) ?? [];
  const milliseconds = counts.reduce(
    (sum, count, n) => sum + Number(count ?? 0) * (unitSeconds[n] ?? 0) * 1_000,
    0,
  );
  // A timer of Node waits for 2^31 - 1 ms at most, and ends at once when told to wait for longer.
  if (milliseconds >= 1_000 && milliseconds < 2 ** 31) return milliseconds;
  throw wrong(name, text, 'an ISO 8601 duration from PT1S to P24D, such as PT1H');
}

function wrong(name: string, text: string | undefined, allowed: string): StartProblem {
  return new StartProblem(`${name} must be ${allowed}${text === undefined ? '' : `, not "${text}"`}.`);
}
