import { beforeEach, describe, expect, test } from '@jest/globals';
import { Causation, derivedUuid, type Fact, type Principal, Streams, uuidv7 } from '#eventsourcing';
import type { Database } from '#read-models';
import type { RemovalRecord } from '#retention';
import { createSession, deleteSession, sessionDecider, type SessionState } from '#sessions';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { RetainedTranscripts } from './retained-transcripts.js';
import { forkTranscript } from './shared-ranges.decider.js';
import { appendSegments, purgeTranscript } from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import { shareTranscript, transcriptForksDecider } from './transcript-forks.decider.js';
import { TranscriptSeeds } from './transcript-seeds.js';

const [source, fork, further] = ['a', 'b', 'c'].map((name) => derivedUuid(name)) as [string, string, string];
const ann: Principal = { principalId: source, projectId: 'default', userId: source, role: 'user' };
const day = 86_400_000;
const cause = { operation_id: source, scope: 'default' };

let streams: Streams;
let retained: RetainedTranscripts;
beforeEach(async () => {
  const store = new MemoryEventStore();
  streams = new Streams(store);
  const database = { query: () => Promise.resolve([]) } as unknown as Database;
  retained = new RetainedTranscripts(database, streams, store, new TranscriptSeeds(streams, store));
  await born(source);
  const segments = Array.from({ length: 4 }, () => ({ kind: 'message' as const, json: '"x"' }));
  await change(source, (state) => appendSegments(state, segments, () => 'sealed'));
});

const by = (at = Date.now()): Causation =>
  new Causation(ann, { seed: { id: uuidv7(), at, recovering: false } });
const change = (id: string, decide: Parameters<typeof streams.execute<TranscriptState, TranscriptFact>>[3]) =>
  streams.execute(transcriptDecider, `transcript-${id}`, by(), decide);
type TranscriptState = typeof transcriptDecider.initial;
type TranscriptFact = Parameters<typeof transcriptDecider.evolve>[1];

const born = (session_id: string): Promise<unknown> =>
  streams.execute(sessionDecider, `session-${session_id}`, by(), (session) =>
    createSession(session, {
      ...{ session_id, project_id: 'default', user_id: source, owner_principal_id: source, metadata: {} },
    }),
  );
const noted = (fork_id: string, through_seq: number, at?: number): Promise<{ events: readonly Fact[] }> =>
  streams.execute(transcriptForksDecider, `transcriptForks-${source}`, by(at), (forks) =>
    shareTranscript(forks, { fork_id, sequence_number: 1, through_seq }),
  );

/** A fork of the source, or of a fork of it, that shares the source's segments up to one. */
async function forked(id: string, through: number, from = source): Promise<void> {
  await noted(id, through);
  const { state } = await streams.load(transcriptDecider, `transcript-${from}`);
  await change(id, (own) => forkTranscript(own, from, state, through, []));
  await born(id);
}
const letsGo = (id: string, after_seq: number, through_seq: number): Promise<unknown> =>
  change(id, (state) => purgeTranscript(state, { after_seq, through_seq }, cause, {}));

const removal = (after_seq: number, through_seq: number): RemovalRecord => ({
  ...{ id: source, after_seq, through_seq, revision: 1, bytes: 3, from: '', to: '' },
});
const sharers = async (after = 0, through = 4): Promise<unknown> =>
  (await retained.belongsTo(removal(after, through))).sharers;
const sharer = (session_id: string, live = true) => ({ session_id, user_id: source, live });

describe('whoever still shows what is to be removed, as the streams have it', () => {
  test('nobody, without forks', async () => {
    expect(await sharers()).toEqual([]);
  });

  test('each fork that shares some of it, and its forks', async () => {
    await forked(fork, 2);
    await forked(further, 1, fork);
    expect(await sharers()).toEqual([sharer(fork), sharer(further)]);
    expect(await sharers(1, 4)).toEqual([sharer(fork)]);
    expect(await sharers(2, 4)).toEqual([]);
  });

  test('until it has let it go', async () => {
    await forked(fork, 3);
    await letsGo(fork, 0, 2);
    expect([await sharers(0, 2), await sharers(0, 3)]).toEqual([[], [sharer(fork)]]);
    await letsGo(fork, 2, 3);
    expect(await sharers()).toEqual([]);
  });

  test('not as a living one, once it was deleted', async () => {
    await forked(fork, 2);
    await streams.execute(sessionDecider, `session-${fork}`, by(), (session) =>
      deleteSession(session as SessionState),
    );
    expect(await sharers()).toEqual([sharer(fork, false)]);
  });

  test('one that is just being made, for a day', async () => {
    await noted(fork, 2);
    await noted(further, 2, Date.now() - day - 1_000);
    const unborn = { user_id: null };
    expect(await sharers()).toEqual([
      { ...unborn, session_id: fork, live: true },
      { ...unborn, session_id: further, live: false },
    ]);
  });
});
