import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Principal } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import type { AuditEventsQuery } from './audit.bodies.js';
import { AuditEvents } from './audit-events.js';

const auditor: Principal = { principalId: 'a', userId: 'ann', projectId: 'acme', role: 'auditor' };
const timeOf = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * 1_000).toISOString();

const told = fc.array(
  fc.record({
    stream: fc.constantFrom('run-1', 'run-2', 'session-1'),
    project: fc.constantFrom('acme', 'other'),
    actor: fc.constantFrom('ann', 'bob'),
    time: fc.nat(5),
  }),
  { maxLength: 12 },
);
const half = { freq: 2, nil: undefined };
const place = fc.option(fc.nat(12), half);
const second = fc.option(fc.nat(5), half);
const asked = fc.record({
  stream: fc.option(fc.constantFrom('run-1', 'session-1'), half),
  category: fc.option(fc.constantFrom('run', 'session', 'ru'), half),
  actor: fc.option(fc.constantFrom('ann', 'bob'), half),
  from: second,
  to: second,
  after: place,
  before: place,
  limit: fc.option(fc.integer({ min: 1, max: 4 }), half),
});

test('every filter leaves out what it says, alone and with all others', async () => {
  await fc.assert(
    fc.asyncProperty(told, asked, async (events, { from, to, ...query }) => {
      const store = new MemoryEventStore();
      for (const [n, { stream, project, actor, time }] of events.entries()) {
        const metadata = { $correlationId: 'c', $causationId: 'c', actor, project, at: timeOf(time) };
        await store.append(stream, 'any', [{ id: String(n), type: 'Told', data: {}, metadata }]);
      }
      const wanted = events
        .map((event, n) => ({ ...event, position: n + 1 }))
        .filter(({ project }) => project === 'acme')
        .filter(({ stream }) => query.stream === undefined || stream === query.stream)
        .filter(({ stream }) => query.category === undefined || stream.split('-')[0] === query.category)
        .filter(({ actor }) => query.actor === undefined || actor === query.actor)
        .filter(({ time }) => time >= (from ?? 0) && time < (to ?? Infinity))
        .filter(({ position }) => position > (query.after ?? 0) && position < (query.before ?? Infinity))
        .slice(0, query.limit)
        .map(({ position }) => position);
      const times = {
        from: from === undefined ? from : timeOf(from),
        to: to === undefined ? to : timeOf(to),
      };
      const lines: string[] = [];
      const reading = new AuditEvents(store).lines(auditor, { ...query, ...times } as AuditEventsQuery);
      for await (const line of reading) lines.push(line);
      expect(lines.map((line) => (JSON.parse(line) as { position: number }).position)).toEqual(wanted);
    }),
    { numRuns: 500 },
  );
});
