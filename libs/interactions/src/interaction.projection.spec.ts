import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import {
  cancel,
  expire,
  interactionDecider,
  type InteractionState,
  resolve,
  respond,
} from './interaction.decider.js';
import type { InteractionFact } from './interaction.events.js';
import { InteractionsProjection } from './interaction.projection.js';

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
  of: fc.nat({ max: 4 }),
  verb: fc.constantFrom('answer', 'deny', 'resolve', 'cancel', 'expire'),
  text: fc.constantFrom('yes', 'Zoë', '\ud800', 'a\nb'),
});

const decided = (
  state: InteractionState,
  { verb, text }: { verb: string; text: string },
): InteractionFact[] => {
  if (state.status !== 'pending' && verb !== 'resolve') return [];
  if (verb === 'answer') return respond(state, { answer: text }, start);
  if (verb === 'deny') return respond(state, { decision: 'denied' }, start);
  if (verb === 'resolve') return state.status === 'responded' ? resolve(state, true, text) : [];
  return verb === 'cancel' ? cancel(state, text) : expire(state, start + 10_000);
};

/** What random commands leave behind of five questions, in the order of the store. */
const histories = fc.array(command, { maxLength: 30 }).map((commands) => {
  const events: RecordedEvent[] = [];
  const of = (stream: string) => events.filter((event) => event.stream === stream);
  const store = (n: number, facts: readonly InteractionFact[]): void => {
    const stream = `interaction-${idOf(n)}`;
    for (const fact of facts) {
      const at = new Date(start + events.length).toISOString();
      const metadata = { $correlationId: 'c', $causationId: 'c', actor: idOf(99), project: 'default', at };
      const place = { revision: of(stream).length, position: BigInt(events.length + 1) };
      events.push({ ...fact, id: idOf(1_000 + events.length), stream, ...place, metadata });
    }
  };
  for (let n = 0; n < 5; n++) {
    const data = {
      interaction_id: idOf(n),
      token: `token-${n}`,
      project_id: 'default',
      user_id: idOf(99),
      run_id: idOf(50 + n),
      ...(n % 2 === 0 && { session_id: idOf(60) }),
      kind: n === 0 ? ('tool_call' as const) : ('user_input' as const),
      request: { n },
      expires_at: new Date(start + 5_000).toISOString(),
    };
    store(n, [{ type: 'InteractionRequested', data }]);
  }
  for (const one of commands) {
    store(
      one.of,
      decided(fold(interactionDecider, of(`interaction-${idOf(one.of)}`)) as InteractionState, one),
    );
  }
  return events;
});

it('gives the same rows whatever the batches, each as its stream tells it', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.integer({ min: 1, max: 9 }), async (events, size) => {
      const atOnce = await projected(database.url, new InteractionsProjection(), events);
      expect(await projected(database.url, new InteractionsProjection(), events, size)).toEqual(atOnce);
      const streams = [...new Set(events.map(({ stream }) => stream))];
      const states = streams.map((stream) =>
        fold(
          interactionDecider,
          events.filter((event) => event.stream === stream),
        ),
      );
      expect(atOnce['interactions']?.map(({ doc }) => doc)).toEqual(states);
      expect(atOnce['interactions']?.map(({ place }) => place)).toEqual([1, 2, 3, 4, 5]);
    }),
    { numRuns: 15 },
  );
});
