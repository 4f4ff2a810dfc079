import { expect, test } from '@jest/globals';
import { Causation, type Principal, Streams, uuidv7 } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { CreateSession, CreateSessionHandler } from './create-session.js';
import { Reservations } from './reservations.js';

const principal: Principal = { principalId: 'a', projectId: 'default', userId: 'ann', role: 'user' };

test('an external id whose writer died before it made the session names that one, with the names asked for', async () => {
  const streams = new Streams(new MemoryEventStore());
  const writes = new RecentWrites(undefined as never);
  const reservations = new Reservations(streams, writes);
  const id = uuidv7();
  await reservations.externalId('default', 'mine', id, 'ann', new Causation(principal));
  const handler = new CreateSessionHandler(streams, reservations, writes);
  const made = await handler.execute(
    new CreateSession({ external_id: 'mine', alias: 'main' }, new Causation(principal)),
  );
  expect(made).toMatchObject({ created: true, session: { id, external_id: 'mine', alias: 'main' } });
});
