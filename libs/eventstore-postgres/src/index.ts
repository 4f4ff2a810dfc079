export { PostgresEventStore } from './postgres-event-store.js';
export { AppendFunction1760000000003, EventStore1760000000000 } from './event-store.migration.js';
