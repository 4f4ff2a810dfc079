import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { byService, Streams } from '#eventsourcing';
import { Database, ReadModelClock, RecentWrites } from '#read-models';
import { changeRun, runDecider, type RunFact, type RunState, runStream } from '#runs';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { projected } from '../../../test/support/projected.js';
import { InteractionChanges } from './interaction-changes.js';
import { interactionDecider, type InteractionState, respond } from './interaction.decider.js';
import { type InteractionFact, interactionStream } from './interaction.events.js';
import { InteractionNotes } from './interaction-notes.js';
import { InteractionPolicy } from './interaction.policy.js';

const run_id = '01990000-0000-7000-8000-000000000002';
const interaction_id = '01990000-0000-7000-8000-000000000031';
const user_id = '01990000-0000-8000-8000-00000000000a';
const expires_at = '2100-01-01T00:00:00.000Z';
const ofRun = { project_id: 'default', user_id, run_id };
const runCreated: RunFact = {
  type: 'RunCreated',
  data: { ...ofRun, task_id: run_id, root_run_id: run_id, kind: 'job', metadata: {}, max_attempts: 3 },
};
const requested: InteractionFact = {
  type: 'InteractionRequested',
  data: { ...ofRun, interaction_id, token: 't', kind: 'user_input', request: null, expires_at },
};

let fresh: Fresh;
let database: Database;
let clock: ReadModelClock;
let store: MemoryEventStore;
let streams: Streams;
let policy: InteractionPolicy;

beforeAll(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, []);
  clock = new ReadModelClock(database);
});
afterAll(async () => {
  await clock.close();
  await database.close();
  await fresh.drop();
});
beforeEach(async () => {
  store = new MemoryEventStore();
  streams = new Streams(store);
  const writes = new RecentWrites(clock);
  const notes = new InteractionNotes(streams, writes);
  policy = new InteractionPolicy(streams, notes, new InteractionChanges(streams, notes, writes));
  await onRun(() => [runCreated]);
});

const onRun = (decide: (run: RunState) => RunFact[]) =>
  streams.execute(runDecider, runStream(run_id), byService('default'), (run) => decide(run as RunState));
const onInteraction = (decide: (interaction: InteractionState) => InteractionFact[]) =>
  streams.execute(interactionDecider, interactionStream(interaction_id), byService('default'), (now) =>
    decide(now as InteractionState),
  );
const ask = () => onInteraction(() => [requested]);
const answer = () => onInteraction((now) => respond(now, { answer: 1 }, 0));
const finish = async () => {
  await onRun((run) => changeRun(run, { status: 'running' }));
  await onRun((run) => changeRun(run, { status: 'completed' }));
};
const react = (batchSize?: number) => projected(fresh.url, policy, [...store.events], batchSize);
const told = () =>
  store.events
    .filter(({ type }) => type === 'RunEventRecorded')
    .map(({ data }) => (data as { type: string }).type);
const status = async () =>
  (await streams.load(interactionDecider, interactionStream(interaction_id))).state?.status;

it('has the run tell what the writer died before telling, once and in order', async () => {
  await ask();
  await answer();
  await react();
  await react(1);
  expect(told()).toEqual(['interaction.requested', 'interaction.resolved']);
});

it.each([1, 100])('cancels what is open when its run ends, in batches of %i', async (size) => {
  await ask();
  await finish();
  expect(await status()).toBe('pending');
  await react(size);
  expect(await status()).toBe('cancelled');
  await react(size);
  expect(store.events.filter(({ type }) => type === 'InteractionCancelled')).toHaveLength(1);
});

it('cancels what it has met while the run still went on', async () => {
  await ask();
  const apply = policy.apply.bind(policy);
  policy.apply = async (sql, events) => {
    await apply(sql, events);
    expect(await status()).toBe('pending');
    await finish();
    await apply(sql, store.events.slice(events.length));
  };
  await react();
  expect(await status()).toBe('cancelled');
});

it('cancels what was asked in the moment in which the run ended', async () => {
  await finish();
  await ask();
  await react(1);
  expect(await status()).toBe('cancelled');
});

it('leaves an answer as it is when the run ends', async () => {
  await ask();
  await answer();
  await finish();
  await react();
  expect(await status()).toBe('responded');
});

it('keeps the open questions alone', async () => {
  await ask();
  expect((await react())['open']).toEqual([{ interaction_id, run_id }]);
  await answer();
  expect((await react(1))['open']).toEqual([]);
});
