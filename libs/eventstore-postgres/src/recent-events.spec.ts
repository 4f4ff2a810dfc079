import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { NewEvent } from '#eventsourcing';
import { RecentEvents } from './recent-events.js';

const encoded = (n: number) => {
  const metadata = { $correlationId: 'c', $causationId: 'c', actor: 'a', project: 'p', at: 't' };
  const event: NewEvent = { id: String(n), type: 'Happened', data: { n }, metadata };
  return { event, data: JSON.stringify(event.data), metadata: JSON.stringify(metadata) };
};

/** What happens to a store: own appends (some refused, which leaves gaps), and appends of others. */
const steps = fc.array(
  fc.oneof(
    fc.record({
      own: fc.array(fc.record({ stream: fc.constantFrom('a-1', 'a-2', 'b-1'), kept: fc.boolean() }), {
        minLength: 1,
        maxLength: 5,
      }),
    }),
    fc.record({ others: fc.integer({ min: 1, max: 3 }) }),
  ),
  { maxLength: 30 },
);

test('a page is what the table would give, or none at all', () => {
  let pages = 0;
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 1, max: 8 }),
      fc.constantFrom([], ['a-'], ['a-1', 'b-']),
      (all, limit, prefixes) => {
        const recent = new RecentEvents(10, 1_000);
        const table: { position: bigint; stream: string }[] = [];
        let head = 0n;
        for (const step of all) {
          if ('others' in step) {
            for (let n = 0; n < step.others; n++) table.push({ position: ++head, stream: 'a-1' });
            recent.forget();
          } else {
            recent.begin(head, head + BigInt(step.own.length));
            for (const { stream, kept } of step.own) {
              head++;
              if (!kept) continue;
              table.push({ position: head, stream });
              recent.add(head, 0, stream, encoded(Number(head)));
            }
          }
          for (let after = 0n; after <= head; after++) {
            const page = recent.after(after, prefixes, limit, 1_000_000);
            if (page === undefined) continue;
            pages++;
            const wanted = table.filter(
              ({ position, stream }) =>
                position > after &&
                (prefixes.length === 0 || prefixes.some((prefix) => stream.startsWith(prefix))),
            );
            expect(page.events.map(({ position }) => position)).toEqual(
              wanted.slice(0, limit).map(({ position }) => position),
            );
            expect(page.full).toBe(wanted.length > limit);
            expect(page.head).toBe(head);
          }
        }
      },
    ),
  );
  expect(pages).toBeGreaterThan(100);
});

test('a subscriber that has seen all is sent to the table, where others may have written', () => {
  const recent = new RecentEvents();
  recent.begin(4n, 5n);
  recent.add(5n, 0, 'a-1', encoded(5));
  expect(recent.after(3n, [], 10, 1_000)).toBeUndefined();
  expect(recent.after(4n, [], 10, 1_000)?.events).toHaveLength(1);
  expect(recent.after(5n, [], 10, 1_000)).toBeUndefined();
});

test('a page stops at its size, but never before its first event', () => {
  const recent = new RecentEvents();
  recent.begin(0n, 3n);
  for (const n of [1, 2, 3]) recent.add(BigInt(n), n, 'a-1', encoded(n));
  expect(recent.after(0n, [], 10, 1)).toMatchObject({ events: [{ data: { n: 1 } }], full: true });
  expect(recent.after(2n, [], 10, 1)).toMatchObject({ events: [{ data: { n: 3 } }], full: false });
});

test('an event that was let go is not held in memory', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const recent = new RecentEvents(20_000, 100);
  recent.begin(0n, 1_000n);
  const held = Array.from({ length: 1_000 }, (_, n) => {
    const one = encoded(n);
    recent.add(BigInt(n + 1), n, 'a-1', one);
    return new WeakRef(one);
  });
  await turn(); // a weak reference holds on until its turn ends
  collect();
  expect(held.filter((one) => one.deref() !== undefined).length).toBeLessThan(50);
});
