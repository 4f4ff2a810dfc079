import { beforeEach, expect, test } from '@jest/globals';
import { byService, type Causation, type EventStore, Streams, Upcasters, uuidv7 } from '#eventsourcing';
import { type ReadModelClock, RecentWrites, type Sql } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { Reservations } from './reservations.js';
import { sessionDecider } from './session.decider.js';
import { changeAlias } from './session-changes.decider.js';
import { reservationStream, type SessionCreated, sessionStream } from './session.events.js';
import { SessionPolicy } from './session.policy.js';

const [project, user] = ['default', uuidv7()];
const stream = reservationStream.alias(project, 'main');

let store: EventStore;
let streams: Streams;
let reservations: Reservations;
let id: string;

beforeEach(async () => {
  store = new MemoryEventStore();
  streams = new Streams(store, new Upcasters());
  reservations = new Reservations(streams, new RecentWrites(undefined as unknown as ReadModelClock));
  id = uuidv7();
  const birth = { type: 'SessionCreated', data: { session_id: id, project_id: project, user_id: user } };
  await streams.execute(sessionDecider, sessionStream(id), cause(), () => [birth as SessionCreated]);
  await bind();
});

const cause = (): Causation => byService(project);
const bind = async (): Promise<void> => {
  await reservations.takeAlias(project, 'main', id, user, cause());
  await reservations.noteTaken(project, 'main', id, cause());
};
const aliasOf = async () => (await streams.load(sessionDecider, sessionStream(id))).state?.alias;

/** Lets the policy react to all that the alias' stream tells, as late as that. */
async function react(): Promise<void> {
  const events = [];
  for await (const event of store.readStream(stream)) events.push(event);
  await new SessionPolicy(reservations).apply(undefined as unknown as Sql, events);
}

test('a session whose writer died after giving its alias back bears it no more', async () => {
  expect(await aliasOf()).toBe('main');
  await reservations.release(stream, id, cause());
  await react();
  expect(await aliasOf()).toBeNull();
});

test('a late reaction to the taking of an alias does not bring back one that was given back', async () => {
  await reservations.release(stream, id, cause());
  await reservations.noteAlias(id, 'main', cause());
  await react();
  expect(await aliasOf()).toBeNull();
});

test('a session that has taken its alias again keeps it', async () => {
  await reservations.release(stream, id, cause());
  await bind();
  await react();
  expect(await aliasOf()).toBe('main');
});

test('a late reaction to the leaving of an alias does not give back one that is being taken again', async () => {
  await streams.execute(sessionDecider, sessionStream(id), cause(), (session) =>
    session === undefined ? [] : changeAlias(session, null),
  );
  await reservations.release(stream, id, cause());
  await reservations.takeAlias(project, 'main', id, user, cause());
  const left = await streams.findLast(sessionStream(id), ({ type }) => type === 'SessionAliasChanged');
  await new SessionPolicy(reservations).apply(undefined as unknown as Sql, left === undefined ? [] : [left]);
  await reservations.noteTaken(project, 'main', id, cause());
  expect(await aliasOf()).toBe('main');
});
