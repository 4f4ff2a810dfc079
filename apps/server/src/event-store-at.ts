import type { EventStore } from '#eventsourcing';
import { PostgresEventStore } from '#eventstore-postgres';

/** Where events and read models are kept. */
export interface StoreOptions {
  readonly databaseUrl: string;
  /** KurrentDB; absent: events are kept in Postgres. */
  readonly eventStoreUrl?: string;
}

/** Where events are kept. @throws StartProblem */
export async function eventStoreAt({ databaseUrl, eventStoreUrl }: StoreOptions): Promise<EventStore> {
  if (eventStoreUrl === undefined) return new PostgresEventStore(databaseUrl);
  // Who keeps events in Postgres need not load the client of KurrentDB: megabytes that each collection would mark.
  const { usableEventStore } = await import('./usable-event-store.js');
  return usableEventStore(eventStoreUrl);
}
