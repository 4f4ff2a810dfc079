export { PostgresEventStore } from './postgres-event-store.js';
export {
  AppendFunction1760000000003,
  AppendFunction1760000000070,
  AppendFunction1760000000080,
  BulkData1760000000060,
  EventStore1760000000000,
} from './event-store.migration.js';
