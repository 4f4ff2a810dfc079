import pg from 'pg';
import { Database } from '#read-models';
import { codeOf, reasonOf, StartProblem } from './start-problem.js';

const oldest = 15;
/** SQLSTATE of what a user may not do; and of an extension that is not installed, since 16 and before. */
const refused = ['42501', '0A000', '58P01'];

/** The URL as it is, once its Postgres has answered. @throws StartProblem what is wrong with it, without the password */
export async function usableDatabase(url: string): Promise<string> {
  const version = await serverVersion(url);
  if (version >= oldest) return url;
  throw new StartProblem(`DATABASE_URL is a Postgres ${version}; it must be ${oldest} or later.`);
}

/** The database with the tables of today. @throws StartProblem what it lacks, or its user may not do there */
export async function migratedDatabase(
  ...[url, migrations]: Parameters<typeof Database.open>
): Promise<Database> {
  try {
    return await Database.open(url, migrations);
  } catch (error) {
    if (!refused.includes(codeOf(error) ?? '')) throw error;
    const needed = 'its user must own the database, and the extension pg_trgm be installed';
    throw new StartProblem(`The Postgres of DATABASE_URL cannot be used: ${reasonOf(error)}; ${needed}.`);
  }
}

async function serverVersion(url: string): Promise<number> {
  const client = clientOf(url);
  try {
    await client.connect();
    const { rows } = await client.query<{ number: string }>(
      "SELECT current_setting('server_version_num') AS number",
    );
    await requireSessions(client, url);
    return Math.floor(Number(rows[0]?.number) / 10_000);
  } catch (error) {
    // Where a name has several addresses the error has a code, but no words of its own.
    const reason = reasonOf(error) || (codeOf(error) ?? 'no answer');
    throw new StartProblem(`The Postgres of DATABASE_URL cannot be used: ${reason}.`);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** @throws Error when our connections share what stands behind them, and locks, `LISTEN` and statements are lost */
async function requireSessions(one: pg.Client, url: string): Promise<void> {
  const other = clientOf(url);
  try {
    await other.connect();
    const ours = await backendOf(one);
    await other.query('BEGIN');
    if ((await backendOf(other)) !== ours && (await backendOf(one)) === ours) return;
    throw new Error('a pooler in transaction mode stands before it; connect directly, or in session mode');
  } finally {
    await other.end().catch(() => undefined);
  }
}

async function backendOf(client: pg.Client): Promise<number | undefined> {
  return (await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
}

/** What the drivers say of a URL that they cannot read is not repeated: it may hold a password. */
function clientOf(url: string): pg.Client {
  try {
    // The driver takes a lone % for itself, and the migrations refuse it.
    decodeURIComponent(url);
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
    return client.on('error', () => undefined); // told by its statements
  } catch {
    throw new StartProblem(
      'DATABASE_URL must be a URL such as postgres://user:password@host:5432/database, with what is special in the password percent-encoded, and name no certificate file that cannot be read.',
    );
  }
}
