import { type DynamicModule, Global, Module } from '@nestjs/common';
import { EventStore, LiveEvents, Streams } from '#eventsourcing';
import {
  AppendFunction1760000000003,
  AppendFunction1760000000070,
  AppendFunction1760000000080,
  BulkData1760000000060,
  EventStore1760000000000,
} from '#eventstore-postgres';
import {
  EventStreams,
  IdempotencyStore,
  Instance,
  Operations,
  PostgresIdempotency,
  ReadModelClock as HttpClock,
} from '#http';
import { NotifiedTurns, StoredSnapshots } from '#postgres';
import { Database, ReadModelClock, ReadModels1760000000001, RecentWrites } from '#read-models';
import { Audit1760000000050, LeavesPeaks1760000000090 } from './audit.migration.js';
import { eventStoreAt, type StoreOptions } from './event-store-at.js';
import { Idempotency1760000000002 } from './idempotency.migration.js';
import { refuseNewerData } from './newer-data.js';
import { Snapshots1760000000100 } from './snapshots.migration.js';
import { migratedDatabase } from './usable-database.js';
import { Watchers1760000000050 } from './watchers.migration.js';
import { Webhooks1760000000040 } from './webhooks.migration.js';

export const migrations = [
  EventStore1760000000000,
  ReadModels1760000000001,
  Idempotency1760000000002,
  AppendFunction1760000000003,
  Webhooks1760000000040,
  Audit1760000000050,
  Watchers1760000000050,
  BulkData1760000000060,
  AppendFunction1760000000070,
  AppendFunction1760000000080,
  LeavesPeaks1760000000090,
  Snapshots1760000000100,
];

/** The adapters behind the ports that every room builds on. Made before the app, and closed after it. */
export class Core {
  private constructor(
    readonly database: Database,
    readonly store: EventStore,
    readonly live: LiveEvents,
    readonly clock: ReadModelClock,
    readonly instance: Instance,
    readonly idempotency: PostgresIdempotency,
    readonly turns: NotifiedTurns,
    readonly snapshots: StoredSnapshots,
  ) {}

  static async open(options: StoreOptions): Promise<Core> {
    const { databaseUrl } = options;
    await refuseNewerData(databaseUrl, migrations);
    const store = await eventStoreAt(options);
    const database = await migratedDatabase(databaseUrl, migrations);
    const instance = await Instance.start(databaseUrl);
    const idempotency = new PostgresIdempotency(database.pool, instance);
    return new Core(
      database,
      store,
      new LiveEvents(store),
      new ReadModelClock(database),
      instance,
      idempotency,
      new NotifiedTurns(databaseUrl, database.pool),
      new StoredSnapshots(database.pool),
    );
  }

  async close(): Promise<void> {
    await this.live.close();
    await Promise.all([
      this.clock.close(),
      this.store.close(),
      this.instance.close(),
      this.turns.close(),
      this.snapshots.close(),
    ]);
    await this.database.close();
  }
}

@Global()
@Module({})
export class CoreModule {
  static of(core: Core): DynamicModule {
    const { database, store, live, clock, idempotency, turns, snapshots } = core;
    const providers = [
      { provide: Database, useValue: database },
      { provide: EventStore, useValue: store },
      { provide: LiveEvents, useValue: live },
      EventStreams,
      Operations,
      { provide: ReadModelClock, useValue: clock },
      { provide: HttpClock, useValue: clock },
      { provide: Streams, useValue: new Streams(store, turns, snapshots) },
      { provide: RecentWrites, useValue: new RecentWrites(clock) },
      { provide: IdempotencyStore, useValue: idempotency },
    ];
    return { module: CoreModule, providers, exports: providers };
  }
}
