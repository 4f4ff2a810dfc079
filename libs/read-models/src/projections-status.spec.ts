import { expect, it } from '@jest/globals';
import { StoreUnavailable } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import type { Database } from './database.js';
import { ProjectionsStatus } from './projections-status.js';

it('says that the database does not answer where the connection is refused', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
  const orm = { getRepository: () => ({ find: () => Promise.reject(refused) }) };
  const status = new ProjectionsStatus({ orm } as unknown as Database, new MemoryEventStore(), []);
  await expect(status.all()).rejects.toThrow(StoreUnavailable);
});
