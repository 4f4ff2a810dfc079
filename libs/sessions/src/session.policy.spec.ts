import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  byService,
  type Causation,
  type EventStore,
  type RecordedEvent,
  Streams,
  uuidv7,
} from '#eventsourcing';
import { type ReadModelClock, RecentWrites, type Sql } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { AliasNotes } from './alias-notes.js';
import { Reservations } from './reservations.js';
import { sessionDecider } from './session.decider.js';
import { changeAlias, deleteSession } from './session-changes.decider.js';
import {
  reservationStream,
  type SessionBirth,
  type SessionCreated,
  sessionStream,
} from './session.events.js';
import { SessionPolicy } from './session.policy.js';

const [project, user] = ['default', uuidv7()];
const stream = reservationStream.alias(project, 'main');

let store: EventStore;
let streams: Streams;
let reservations: Reservations;
let aliases: AliasNotes;
let id: string;

beforeEach(async () => {
  store = new MemoryEventStore();
  streams = new Streams(store);
  reservations = new Reservations(streams);
  aliases = new AliasNotes(streams, new RecentWrites(undefined as unknown as ReadModelClock));
  id = uuidv7();
  await make(id);
  await bind();
});

const cause = (): Causation => byService(project);
const bind = async (): Promise<void> => {
  await reservations.takeAlias(project, 'main', id, user, cause());
  await aliases.noteTaken(project, 'main', id, cause());
};
const make = (session_id: string, more: Partial<SessionBirth> = {}) => {
  const data = { session_id, project_id: project, user_id: user, ...more };
  return streams.execute(sessionDecider, sessionStream(session_id), cause(), () => [
    { type: 'SessionCreated', data } as SessionCreated,
  ]);
};
const aliasOf = async (of = id) => (await streams.load(sessionDecider, sessionStream(of))).state?.alias;

const reactTo = (events: readonly RecordedEvent[]): Promise<void> =>
  new SessionPolicy(reservations, aliases).apply(undefined as unknown as Sql, events);

/** Lets the policy react to the last event of a type that the alias' stream tells. */
async function reactToLast(type: string): Promise<void> {
  const last = await streams.findLast(stream, (event) => event.type === type);
  await reactTo(last === undefined ? [] : [last]);
}

/** Lets the policy react to all that a stream tells, as late as that. */
async function react(to = stream): Promise<void> {
  const events = [];
  for await (const event of store.readStream(to)) events.push(event);
  await reactTo(events);
}

test('a session whose writer died after giving its alias back bears it no more', async () => {
  expect(await aliasOf()).toBe('main');
  await reservations.release(stream, id, cause());
  await reactToLast('ValueReleased');
  expect(await aliasOf()).toBeNull();
});

test('a session that bears another alias than the one it gave back keeps that', async () => {
  await reservations.release(stream, id, cause());
  await reservations.takeAlias(project, 'other', id, user, cause());
  await aliases.noteTaken(project, 'other', id, cause());
  const noted = await streams.findLast(sessionStream(id), () => true);
  await reactToLast('ValueReleased');
  expect(await aliasOf()).toBe('other');
  expect(await streams.findLast(sessionStream(id), () => true)).toEqual(noted);
});

test('an alias whose writer died after taking it from another session names the new one alone', async () => {
  const [before, other] = [id, uuidv7()];
  await make(other);
  await reservations.takeAlias(project, 'main', other, user, cause());
  await reactToLast('ValueReserved');
  expect([await aliasOf(before), await aliasOf(other)]).toEqual([null, 'main']);
});

test('a session whose writer died after deleting it keeps no name', async () => {
  const [parent, name] = [uuidv7(), 'Ann'];
  const named = { parent_session_id: parent, subagent: { name, task: null, status: 'running' } } as const;
  id = uuidv7();
  await make(id, named);
  await bind();
  await reservations.subagent(parent, name, id, user, cause());
  await streams.execute(sessionDecider, sessionStream(id), cause(), (session) =>
    session === undefined ? [] : deleteSession(session),
  );
  await react(sessionStream(id));
  expect(await reservations.aliased(cause().principal, 'main')).toBeUndefined();
  await reservations.subagent(parent, name, uuidv7(), user, cause());
});

test('a late reaction to the taking of an alias does not bring back one that was given back', async () => {
  await reservations.release(stream, id, cause());
  await aliases.noteAlias(id, 'main', cause());
  await react();
  expect(await aliasOf()).toBeNull();
});

test('a session that has taken its alias again keeps it', async () => {
  await reservations.release(stream, id, cause());
  await bind();
  await react();
  expect(await aliasOf()).toBe('main');
});

describe('a reaction to the taking of an alias between the taking of another one and the giving back', () => {
  beforeEach(async () => {
    await reservations.takeAlias(project, 'other', id, user, cause());
  });

  test('does not bring it back', async () => {
    await aliases.noteTaken(project, 'other', id, cause());
    await react();
    expect(await aliasOf()).toBe('other');
    expect(await reservations.aliased(cause().principal, 'main')).toBeUndefined();
  });

  test('leaves the other one to whoever reacts to its taking', async () => {
    await react();
    await react(reservationStream.alias(project, 'other'));
    expect(await aliasOf()).toBe('other');
  });

  test('brings it back when the other one was moved to another session', async () => {
    await aliases.noteTaken(project, 'other', id, cause());
    await reservations.takeAlias(project, 'other', uuidv7(), user, cause());
    await react();
    expect(await aliasOf()).toBe('main');
  });
});

describe('a late reaction to the leaving of an alias', () => {
  let reactToLeaving: () => Promise<void>;

  beforeEach(async () => {
    await streams.execute(sessionDecider, sessionStream(id), cause(), (session) =>
      session === undefined ? [] : changeAlias(session, null),
    );
    const left = await streams.findLast(sessionStream(id), ({ type }) => type === 'SessionAliasChanged');
    reactToLeaving = () => reactTo(left === undefined ? [] : [left]);
  });

  test('gives it back', async () => {
    await reactToLeaving();
    expect(await reservations.aliased(cause().principal, 'main')).toBeUndefined();
  });

  test('does not give back one that is being taken again', async () => {
    await reservations.release(stream, id, cause());
    await reservations.takeAlias(project, 'main', id, user, cause());
    await reactToLeaving();
    await aliases.noteTaken(project, 'main', id, cause());
    expect(await aliasOf()).toBe('main');
  });

  test('does not give back one that was taken again before anybody had given it back', async () => {
    await bind();
    await reactToLeaving();
    await react();
    expect(await aliasOf()).toBe('main');
  });
});
