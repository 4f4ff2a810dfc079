import { Client } from 'pg';
import { DataSource } from 'typeorm';
import { eventStoreContract } from '../../eventsourcing/src/event-store.contract.js';
import { freshDatabase } from '../../../test/support/database.js';
import {
  AppendFunction1760000000003,
  BulkData1760000000060,
  EventStore1760000000000,
  PostgresEventStore,
} from './index.js';

eventStoreContract('Postgres', async () => {
  const database = await freshDatabase();
  const source = new DataSource({
    type: 'postgres',
    url: database.url,
    migrations: [EventStore1760000000000, AppendFunction1760000000003, BulkData1760000000060],
    migrationsRun: true,
  });
  await (await source.initialize()).destroy();
  const clients = [new PostgresEventStore(database.url)];
  return {
    store: clients[0] as PostgresEventStore,
    another: () => {
      const client = new PostgresEventStore(database.url);
      clients.push(client);
      return Promise.resolve(client);
    },
    breakConnections: async () => {
      const admin = new Client({ connectionString: database.url });
      await admin.connect();
      await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      await admin.end();
    },
    close: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await database.drop();
    },
  };
});
