import { beforeEach, describe, expect, test } from '@jest/globals';
import { Causation, type Principal, Streams, uuidv7 } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { AliasNotes } from './alias-notes.js';
import { Reservations } from './reservations.js';
import { ResolveSession, ResolveSessionHandler } from './resolve-session.js';
import { deleteSession } from './session-changes.decider.js';
import { sessionDecider } from './session.decider.js';
import { sessionStream } from './session.events.js';

const principal: Principal = { principalId: 'a', projectId: 'default', userId: 'ann', role: 'user' };

const nothing = undefined as never;
const writes = new RecentWrites(nothing);
let streams: Streams;
let reservations: Reservations;
let aliases: AliasNotes;

beforeEach(() => {
  streams = new Streams(new MemoryEventStore());
  reservations = new Reservations(streams);
  aliases = new AliasNotes(streams, writes);
});

const cause = (): Causation => new Causation(principal);
const resolve = (body = {}) => {
  const handler = new ResolveSessionHandler(streams, reservations, aliases, nothing, writes);
  return handler.execute(new ResolveSession({ alias: 'main', ...body }, cause()));
};

describe('an alias', () => {
  test('whose session was deleted by a writer that died before it gave it back names a new one', async () => {
    const { session: gone } = await resolve();
    await streams.execute(sessionDecider, sessionStream(gone.id), cause(), (session) =>
      session === undefined ? [] : deleteSession(session),
    );
    const { session, resolution } = await resolve();
    expect(session.id).not.toBe(gone.id);
    expect([resolution, session.alias, session.deleted_at]).toEqual(['created', 'main', null]);
  });

  test('whose writer died before it made the session names that one, of the same user', async () => {
    const id = uuidv7();
    await reservations.alias('default', 'main', id, 'ann', cause());
    const { session, resolution } = await resolve();
    expect([resolution, session]).toMatchObject(['created', { id, alias: 'main', user_id: 'ann' }]);
  });

  test('that another user has is refused, and names nothing', async () => {
    const operator: Principal = { ...principal, principalId: 'o', userId: 'oz', role: 'operator' };
    const id = uuidv7();
    await reservations.takeAlias('default', 'main', id, 'bob', new Causation(operator));
    await expect(resolve()).rejects.toMatchObject({ code: 'alias_taken' });
    // A fork is refused before its source notes what it shares.
    await expect(resolve({ fork_from: uuidv7() })).rejects.toMatchObject({ code: 'alias_taken' });
    expect(await reservations.aliased(principal, 'main')).toBeUndefined();
    expect(await reservations.aliased(operator, 'main')).toBe(id);
  });
});
