import { eventStoreContract } from '../../eventsourcing/src/event-store.contract.js';
import { startKurrentServer } from '../../../test/support/kurrent-server.js';
import { KurrentEventStore } from '#eventstore-kurrent';

eventStoreContract('KurrentDB', async () => {
  const server = await startKurrentServer();
  const stores: KurrentEventStore[] = [];
  const another = (): KurrentEventStore => {
    const store = new KurrentEventStore(server.connectionString);
    stores.push(store);
    return store;
  };
  return {
    store: another(),
    another: () => Promise.resolve(another()),
    breakConnections: () => {
      server.breakConnections();
      return Promise.resolve();
    },
    close: async () => {
      await Promise.all(stores.map((store) => store.close()));
      await server.close();
      process.stderr.write(`KurrentDB suite ran against: ${server.name}\n`);
    },
  };
});
