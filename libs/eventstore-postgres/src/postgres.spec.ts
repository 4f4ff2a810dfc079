import { Client } from 'pg';
import { eventStoreDatabase } from '../../../test/support/event-store-database.js';
import { eventStoreContract } from '../../eventsourcing/src/event-store.contract.js';
import { PostgresEventStore } from './index.js';

eventStoreContract('Postgres', async () => {
  const database = await eventStoreDatabase();
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
