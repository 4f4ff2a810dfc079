import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import { archiveMount, changeMount, createMount, type Mount, mountDecider } from './mount.decider.js';
import { type MountFact, mountStream } from './mount.events.js';
import { MountsProjection } from './mount.projection.js';

let database: Database;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(async () => {
  await database.drop();
});

const idOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;
const start = Date.UTC(2026, 0, 1);
const command = fc.record({
  of: fc.nat({ max: 3 }),
  verb: fc.constantFrom('name', 'archive', 'unarchive'),
  text: fc.constantFrom('yes', 'Zoë', '\ud800', 'a\nb'),
});

/** What random commands leave behind of four mounts, in the order of the store. */
const histories = fc.array(command, { maxLength: 30 }).map((commands) => {
  const events: RecordedEvent[] = [];
  const of = (stream: string) => events.filter((event) => event.stream === stream);
  const decide = (n: number, decision: (mount: Mount) => MountFact[]): void => {
    const stream = mountStream(idOf(n));
    for (const fact of decision(fold(mountDecider, of(stream)))) {
      const at = new Date(start + events.length).toISOString();
      const metadata = { $correlationId: 'c', $causationId: 'c', actor: idOf(99), project: 'default', at };
      const place = { revision: of(stream).length, position: BigInt(events.length + 1) };
      events.push({ ...fact, id: idOf(1_000 + events.length), stream, ...place, metadata });
    }
  };
  for (let n = 0; n < 4; n++) {
    const birth = {
      mount_id: idOf(n),
      project_id: 'default',
      session_id: idOf(60),
      user_id: idOf(98),
      slug: `slug-${n}`,
      uri: 'x:y',
      read_only: n > 1,
      metadata: {},
    };
    decide(n, (mount) => createMount(mount, birth));
  }
  for (const { of: n, verb, text } of commands) {
    decide(n, (mount) =>
      verb === 'name' ? changeMount(mount, { name: text }) : archiveMount(mount, verb === 'archive'),
    );
  }
  return events;
});

it('gives the same rows whatever the batches, each as its stream tells it', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.integer({ min: 1, max: 9 }), async (events, size) => {
      const atOnce = await projected(database.url, new MountsProjection(), events);
      expect(await projected(database.url, new MountsProjection(), events, size)).toEqual(atOnce);
      const states = [0, 1, 2, 3].map((n) =>
        fold(
          mountDecider,
          events.filter(({ stream }) => stream === mountStream(idOf(n))),
        ),
      );
      expect(atOnce['mounts']?.map(({ doc }) => doc)).toEqual(states);
      expect(atOnce['mounts']?.map(({ archived }) => archived)).toEqual(
        states.map((mount) => mount?.archived_at !== null),
      );
    }),
    { numRuns: 15 },
  );
});
