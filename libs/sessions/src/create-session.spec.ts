import { beforeEach, describe, expect, test } from '@jest/globals';
import { Causation, type Principal, Streams, uuidv7 } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { AliasNotes } from './alias-notes.js';
import { CreateSession, CreateSessionHandler } from './create-session.js';
import { Reservations } from './reservations.js';

const principal: Principal = { principalId: 'a', projectId: 'default', userId: 'ann', role: 'user' };

test('an external id whose writer died before it made the session names that one, with the names asked for', async () => {
  const streams = new Streams(new MemoryEventStore());
  const writes = new RecentWrites(undefined as never);
  const reservations = new Reservations(streams);
  const id = uuidv7();
  await reservations.externalId('default', 'mine', id, 'ann', new Causation(principal));
  const handler = new CreateSessionHandler(streams, reservations, new AliasNotes(streams, writes), writes);
  const made = await handler.execute(
    new CreateSession({ external_id: 'mine', alias: 'main' }, new Causation(principal)),
  );
  expect(made).toMatchObject({ created: true, session: { id, external_id: 'mine', alias: 'main' } });
});

describe('an alias that another user has', () => {
  const operator: Principal = { principalId: 'o', projectId: 'default', userId: 'oz', role: 'operator' };
  let streams: Streams;
  let reservations: Reservations;
  let handler: CreateSessionHandler;

  beforeEach(() => {
    streams = new Streams(new MemoryEventStore());
    const writes = new RecentWrites(undefined as never);
    reservations = new Reservations(streams);
    handler = new CreateSessionHandler(streams, reservations, new AliasNotes(streams, writes), writes);
  });
  const giveToBob = () => reservations.takeAlias('default', 'main', uuidv7(), 'bob', new Causation(operator));

  test('is refused before anything is taken', async () => {
    const parent = await handler.execute(new CreateSession({}, new Causation(principal)));
    await giveToBob();
    const body = {
      parent_session_id: parent.session.id,
      subagent: { name: 'Ann', task: null, status: 'running' },
    } as const;
    const refused = handler.execute(new CreateSession({ ...body, alias: 'main' }, new Causation(principal)));
    await expect(refused).rejects.toMatchObject({ code: 'alias_taken' });
    await handler.execute(new CreateSession(body, new Causation(principal)));
  });

  test('is not refused to the same command again, which had it before', async () => {
    const seed = { id: uuidv7(), at: Date.now(), recovering: false };
    const create = (recovering: boolean) =>
      handler.execute(
        new CreateSession({ alias: 'main' }, new Causation(principal, { seed: { ...seed, recovering } })),
      );
    const { session } = await create(false);
    await giveToBob();
    expect((await create(true)).session.id).toBe(session.id);
    expect(await reservations.aliased(operator, 'main')).not.toBe(session.id);
  });
});
