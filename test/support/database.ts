import { randomBytes } from 'node:crypto';
import pg from 'pg';

export interface Database {
  /** Connection string of an empty database. */
  readonly url: string;
  /** Removes it, whoever is still connected. */
  drop(): Promise<void>;
}

/** A database of its own for one spec file, in the Postgres of this test run. */
export const freshDatabase = (): Promise<Database> => copyOf('template0');

/**
 * The same, with what the first caller of this test run has filled one with.
 * @param fill is given its connection string, and leaves nobody connected
 */
export async function filledDatabase(fill: (url: string) => Promise<void>): Promise<Database> {
  await asAdmin(async (admin) => {
    await admin.query('SELECT pg_advisory_lock(1)');
    const { rowCount } = await admin.query("SELECT FROM pg_database WHERE datname = 'filled'");
    if (rowCount !== 0) return;
    await admin.query('DROP DATABASE IF EXISTS filling WITH (FORCE)');
    await admin.query('CREATE DATABASE filling');
    await fill(urlOf('filling'));
    await admin.query('ALTER DATABASE filling RENAME TO filled');
  });
  return copyOf('filled');
}

async function copyOf(template: string): Promise<Database> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  await asAdmin((admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`));
  return {
    url: urlOf(name),
    drop: () => asAdmin((admin) => admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)),
  };
}

function urlOf(database: string): string {
  const url = new URL(adminUrl());
  url.pathname = `/${database}`;
  return url.href;
}

async function asAdmin(work: (admin: pg.Client) => Promise<unknown>): Promise<void> {
  const admin = new pg.Client({ connectionString: adminUrl() });
  await admin.connect();
  try {
    await work(admin);
  } finally {
    await admin.end();
  }
}

function adminUrl(): string {
  const url = process.env['TEST_DATABASE_URL'];
  if (url === undefined) throw new Error('TEST_DATABASE_URL is not set: run the specs with `npm run jest`');
  return url;
}
