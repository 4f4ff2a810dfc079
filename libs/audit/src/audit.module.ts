import type { KeyObject } from 'node:crypto';
import { type DynamicModule, Module } from '@nestjs/common';
import { EventStore } from '#eventsourcing';
import { Database } from '#read-models';
import { AccessLog } from './access-log.js';
import { Accesses } from './accesses.js';
import { AuditEvents } from './audit-events.js';
import { AuditController } from './audit.controller.js';
import { Exports } from './export-audit.js';
import { History } from './history.js';
import { Receipts } from './receipts.js';
import { Witness } from './witness.js';

/**
 * The audit. The application also calls `recordAccesses(fastify, app.get(AccessLog))`, and lets one process
 * at a time run a `Witnessing`.
 */
@Module({})
export class AuditModule {
  /** @param key private Ed25519 key that signs checkpoints and exports */
  static with(key: KeyObject): DynamicModule {
    return {
      module: AuditModule,
      controllers: [AuditController],
      providers: [
        {
          provide: Witness,
          inject: [Database, EventStore],
          useFactory: (database: Database, store: EventStore) => new Witness(database, store, key),
        },
        {
          provide: AccessLog,
          inject: [Database],
          useFactory: (database: Database) => new AccessLog(database),
        },
        Accesses,
        AuditEvents,
        Exports,
        History,
        Receipts,
      ],
    };
  }
}
