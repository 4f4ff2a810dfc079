import { expect, test } from '@jest/globals';
import { Authority } from '#access';
import { Causation, type Principal, Streams, uuidv7 } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { InteractionChanges } from './interaction-changes.js';
import { interactionDecider, requestInteraction } from './interaction.decider.js';
import { type InteractionBirth, interactionStream } from './interaction.events.js';
import type { InteractionNotes } from './interaction-notes.js';
import { ResolveInteraction, ResolveInteractionHandler } from './resolve-interaction.js';
import { RespondInteraction, RespondInteractionHandler } from './respond-interaction.js';

const asked = Date.parse('2026-01-02T03:00:00Z');
const minutes = 60_000;
const person: Principal = {
  ...{ principalId: uuidv7(), projectId: 'default', userId: uuidv7(), role: 'user' },
  until: '2026-01-02T04:00:00.000Z',
};
const worker: Principal = { principalId: uuidv7(), projectId: 'default', userId: uuidv7(), role: 'worker' };

const as = (principal: Principal, at: number): Causation =>
  new Causation(principal, { seed: { id: uuidv7(), at, recovering: false } });

test.each([
  [59, 'resolved'],
  [60, 'denied'],
])(
  'an answer given with a token that ends in an hour is resolved after %d minutes as %s',
  async (after, status) => {
    const store = new MemoryEventStore();
    const streams = new Streams(store);
    // The run's timeline has told of the answer when it came, and says that again.
    const notes = { tell: () => Promise.resolve(2n) } as unknown as InteractionNotes;
    const changes = new InteractionChanges(streams, notes, new RecentWrites(undefined as never));
    const id = uuidv7();
    const birth: InteractionBirth = {
      ...{ interaction_id: id, token: 't', project_id: 'default', user_id: person.userId, run_id: uuidv7() },
      kind: 'user_approval',
      ...{ request: {}, expires_at: '2026-01-09T03:00:00.000Z' },
    };
    await streams.execute(interactionDecider, interactionStream(id), as(worker, asked), (interaction) =>
      requestInteraction(interaction, birth),
    );
    await new RespondInteractionHandler(streams, changes).execute(
      new RespondInteraction(id, { decision: 'approved' }, as(person, asked), undefined),
    );
    const resolving = new ResolveInteractionHandler(streams, new Authority(streams), changes);
    const { interaction, position } = await resolving.execute(
      new ResolveInteraction(id, undefined, as(worker, asked + after * minutes), undefined),
    );
    expect(interaction.status).toBe(status);
    expect(position).toBe(store.events.at(-1)?.position);
  },
);
