import { expect, test } from '@jest/globals';
import { Causation, Streams, uuidv7 } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { Reservations } from './reservations.js';
import { createSession } from './session-changes.decider.js';
import { SessionForks } from './session-forks.js';
import { sessionDecider } from './session.decider.js';
import { sessionStream } from './session.events.js';

const streams = new Streams(new MemoryEventStore());
const nothing = undefined as never;
const writes = new RecentWrites(nothing);
const forks = new SessionForks(
  ...([streams, nothing, nothing, nothing, new Reservations(streams), writes] as const),
);
const attempt = (seed: { id: string; at: number }, recovering: boolean): Causation =>
  new Causation(
    { principalId: 'a', projectId: 'default', userId: 'ann', role: 'user' },
    { seed: { ...seed, recovering } },
  );

test('what an earlier attempt has made is answered, though its source is there no more', async () => {
  const seed = { id: uuidv7(), at: Date.now() };
  const [first, again] = [attempt(seed, false), attempt(seed, true)];
  const id = first.mint();
  const birth = {
    session_id: id,
    project_id: 'default',
    user_id: 'ann',
    owner_principal_id: 'a',
    metadata: {},
  };
  await streams.execute(sessionDecider, sessionStream(id), first, (session) => createSession(session, birth));
  expect((await forks.fork(uuidv7(), {}, again)).session.id).toBe(id);
});
