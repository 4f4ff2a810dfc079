export { PostgresEventStore } from './postgres-event-store.js';
export { EventStore1760000000000 } from './event-store.migration.js';
