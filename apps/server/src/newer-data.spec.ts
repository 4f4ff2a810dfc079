import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Database as ReadModels } from '#read-models';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { migrations } from './core.module.js';
import { refuseNewerData } from './newer-data.js';
import { StartProblem } from './start-problem.js';

let database: Database;

beforeAll(async () => {
  database = await freshDatabase();
});

afterAll(async () => {
  await database.drop();
});

it('takes an empty database, and what this version or one before it has made', async () => {
  await refuseNewerData(database.url, migrations);
  await (await ReadModels.open(database.url, migrations.slice(0, 3))).close();
  await refuseNewerData(database.url, migrations);
});

it('refuses what a newer version has made, in one sentence that says so', async () => {
  await (await ReadModels.open(database.url, migrations)).close();
  await refuseNewerData(database.url, migrations);
  const older = refuseNewerData(database.url, migrations.slice(0, -1));
  await expect(older).rejects.toThrow(StartProblem);
  await expect(older).rejects.toThrow(
    `belong to a newer version of Runledger (${String(migrations.at(-1)?.name)})`,
  );
});
