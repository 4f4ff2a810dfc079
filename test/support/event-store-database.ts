import { DataSource } from 'typeorm';
import {
  AppendFunction1760000000003,
  AppendFunction1760000000070,
  BulkData1760000000060,
  EventStore1760000000000,
} from '#eventstore-postgres';
import { type Database, freshDatabase } from './database.js';

/** A fresh database with the tables of the event store, and nothing else. */
export async function eventStoreDatabase(): Promise<Database> {
  const database = await freshDatabase();
  const source = new DataSource({
    type: 'postgres',
    url: database.url,
    migrations: [
      EventStore1760000000000,
      AppendFunction1760000000003,
      BulkData1760000000060,
      AppendFunction1760000000070,
    ],
    migrationsRun: true,
  });
  await (await source.initialize()).destroy();
  return database;
}
