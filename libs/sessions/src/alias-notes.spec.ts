import { beforeEach, describe, expect, test } from '@jest/globals';
import { byService, type Causation, Streams, uuidv7 } from '#eventsourcing';
import { type ReadModelClock, RecentWrites } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { AliasNotes } from './alias-notes.js';
import { Reservations } from './reservations.js';
import { sessionDecider } from './session.decider.js';
import { type SessionCreated, sessionStream } from './session.events.js';

const writes = new RecentWrites(undefined as unknown as ReadModelClock);
const [project, user] = ['default', uuidv7()];

let store: MemoryEventStore;
let streams: Streams;
let reservations: Reservations;
let aliases: AliasNotes;

beforeEach(() => {
  store = new MemoryEventStore();
  streams = new Streams(store);
  reservations = new Reservations(streams);
  aliases = new AliasNotes(streams, writes);
});

/** The same in another process. */
interface Elsewhere {
  readonly reservations: Reservations;
  readonly aliases: AliasNotes;
}

const cause = (): Causation => byService(project);
const aliasOf = async (id: string) => (await streams.load(sessionDecider, sessionStream(id))).state?.alias;

async function made(): Promise<string> {
  const session_id = uuidv7();
  const data = { session_id, project_id: project, user_id: user };
  await streams.execute(sessionDecider, sessionStream(session_id), cause(), () => [
    { type: 'SessionCreated', data } as SessionCreated,
  ]);
  return session_id;
}

describe('an alias that is taken from another session', () => {
  let before: string;
  let after: string;

  beforeEach(async () => {
    [before, after] = [await made(), await made()];
    for (const id of [before, after]) {
      await reservations.takeAlias(project, 'main', id, user, cause());
      if (id === before) await aliases.noteTaken(project, 'main', id, cause());
    }
  });

  const noted = async () => {
    const position = await aliases.noteTaken(project, 'main', after, cause());
    expect([await aliasOf(before), await aliasOf(after)]).toEqual([null, 'main']);
    return position;
  };

  test('is noted by both, and answered with the last note', async () => {
    expect(await noted()).toBe(await store.head());
  });

  test('is answered with the last note when the new one has noted it already', async () => {
    await aliases.noteAlias(after, 'main', cause());
    expect(await noted()).toBe(await store.head());
  });

  test('is answered with the note of the new one when the old one is no more there', async () => {
    const gone = uuidv7();
    await reservations.takeAlias(project, 'main', gone, user, cause());
    await reservations.takeAlias(project, 'main', after, user, cause());
    expect(await aliases.noteTaken(project, 'main', after, cause())).toBe(await store.head());
    expect(await aliasOf(after)).toBe('main');
  });
});

describe('what another process writes between the reading of an alias and the noting of it', () => {
  let id: string;

  beforeEach(async () => {
    id = await made();
    await reservations.takeAlias(project, 'main', id, user, cause());
  });

  /** Has this process note the alias, and the other one do its part right before the first note. */
  async function noteWhile(happens: (elsewhere: Elsewhere) => Promise<unknown>): Promise<void> {
    const others = new Streams(store);
    const elsewhere = { reservations: new Reservations(others), aliases: new AliasNotes(others, writes) };
    const execute: Streams['execute'] = streams.execute.bind(streams);
    let waiting = true;
    streams.execute = (async (...command: Parameters<Streams['execute']>) => {
      if (waiting && command[1] === sessionStream(id)) {
        waiting = false;
        await happens(elsewhere);
      }
      return execute(...command);
    }) as Streams['execute'];
    await aliases.noteAlias(id, 'main', cause());
    expect(waiting).toBe(false);
  }

  test('is heeded when the alias was moved to another session', async () => {
    const other = await made();
    await noteWhile((elsewhere) => elsewhere.reservations.takeAlias(project, 'main', other, user, cause()));
    expect(await aliasOf(id)).toBeNull();
  });

  test('is heeded when the session has taken another alias', async () => {
    await noteWhile(async (elsewhere) => {
      await elsewhere.reservations.takeAlias(project, 'newer', id, user, cause());
      await elsewhere.aliases.noteTaken(project, 'newer', id, cause());
    });
    expect(await aliasOf(id)).toBe('newer');
    expect(await reservations.aliased(cause().principal, 'main')).toBeUndefined();
  });
});
