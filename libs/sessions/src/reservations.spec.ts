import { expect, test } from '@jest/globals';
import { byService, Streams, uuidv7 } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { Reservations } from './reservations.js';
import { sessionDecider } from './session.decider.js';
import { type SessionCreated, sessionStream } from './session.events.js';

const project = 'default';

test('a sub-agent’s name stays with the session that has it', async () => {
  const streams = new Streams(new MemoryEventStore());
  const reservations = new Reservations(streams);
  const [parent, child, user] = [uuidv7(), uuidv7(), uuidv7()];
  const data = { session_id: child, project_id: project, user_id: user };
  await streams.execute(sessionDecider, sessionStream(child), byService(project), () => [
    { type: 'SessionCreated', data } as SessionCreated,
  ]);
  const reserve = (id: string) => reservations.subagent(parent, 'Ann', id, user, byService(project));
  await reserve(child);
  await reserve(child);
  await expect(reserve(uuidv7())).rejects.toMatchObject({ code: 'subagent_name_taken' });
});
