import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { migrations } from './core.module.js';
import { StartProblem } from './start-problem.js';
import { migratedDatabase } from './usable-database.js';

const user = `user_${randomBytes(6).toString('hex')}`;
let database: Database;
let admin: Client;
let url: URL;

beforeAll(async () => {
  database = await freshDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(`CREATE ROLE ${user} LOGIN PASSWORD 'hush'`);
  url = new URL(database.url);
  [url.username, url.password] = [user, 'hush'];
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

it('says in one sentence what the user of a database lacks who does not own it', async () => {
  const opening = migratedDatabase(url.href, migrations);
  await expect(opening).rejects.toThrow(StartProblem);
  await expect(opening).rejects.toThrow(
    /^The Postgres of DATABASE_URL cannot .* must own the database[^\n]+\.$/,
  );
});

it('needs a user who owns the database, and no more', async () => {
  await admin.query(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${user}`);
  await (await migratedDatabase(url.href, migrations)).close();
});
