import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  byService,
  Causation,
  type RecordedEvent,
  servicePrincipal,
  StoreUnavailable,
  Streams,
  uuidv7,
} from '#eventsourcing';
import { type Database, type ReadModelClock, RecentWrites, type Sql } from '#read-models';
import { type SessionFact, sessionDecider, sessionStream } from '#sessions';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { cancelRun, createRun } from './run-changes.decider.js';
import { RunCanceller } from './run-canceller.js';
import { RunClaims } from './run-claims.js';
import { runDecider, type RunState } from './run.decider.js';
import { type RunBirth, runStream } from './run.events.js';
import { RunPolicy } from './run.policy.js';
import { RunWrites } from './run-writes.js';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
let store: MemoryEventStore;
let streams: Streams;
let policy: RunPolicy;
/** Runs by the parent or session that the read model knows them to be below. */
let below: Map<unknown, string[]>;
/** Whether the read model comes in time. */
let comes: boolean;

beforeEach(() => {
  store = new MemoryEventStore();
  streams = new Streams(store);
  below = new Map();
  comes = true;
  const database = {
    prepared: (_name: string, _sql: string, [of]: readonly unknown[]) =>
      Promise.resolve((below.get(of) ?? []).map((id) => ({ id }))),
  } as unknown as Database;
  const clock = { reached: () => Promise.resolve(comes) } as unknown as ReadModelClock;
  const canceller = new RunCanceller(streams, database, clock, new RunWrites(new RecentWrites(clock)));
  policy = new RunPolicy(streams, canceller, new RunClaims(streams, canceller));
});

const born = (more: Partial<RunBirth> = {}): RunBirth => {
  const run_id = uuidv7();
  const owners = { project_id: 'default', user_id: uuidv7(), task_id: run_id };
  return { run_id, ...owners, root_run_id: run_id, kind: 'job', metadata: {}, max_attempts: 3, ...more };
};
const run = async (more: Partial<RunBirth> = {}): Promise<string> => {
  const birth = born(more);
  await streams.execute(runDecider, runStream(birth.run_id), byService('default'), (now) =>
    createRun(now, birth),
  );
  return birth.run_id;
};
const cancel = (id: string) =>
  streams.execute(runDecider, runStream(id), byService('default'), (now) =>
    cancelRun(now as RunState, undefined),
  );
const onSession = (id: string, fact: unknown, by = byService('default')) =>
  streams.execute(sessionDecider, sessionStream(id), by, () => [fact as SessionFact]);
const session = async (): Promise<string> => {
  const session_id = uuidv7();
  const data = { session_id, project_id: 'default', user_id: uuidv7(), metadata: {} };
  await onSession(session_id, { type: 'SessionCreated', data });
  return session_id;
};
const remove = (id: string) => onSession(id, { type: 'SessionDeleted', data: {} });
/** Lets the policy react to what a stream told last. */
const reactTo = async (stream: string): Promise<void> => {
  const last = store.events.filter((event) => event.stream === stream).at(-1) as RecordedEvent;
  await policy.apply(undefined as unknown as Sql, [last]);
};
const stateOf = async (id: string) => (await streams.load(runDecider, runStream(id))).state;
const statusOf = async (id: string) => (await stateOf(id))?.status;

describe('a run that the one who cancelled did not find', () => {
  it('is cancelled with its parent', async () => {
    const parent = await run();
    const child = await run({ parent_run_id: parent });
    await reactTo(runStream(child));
    expect(await statusOf(child)).toBe('pending');
    await cancel(parent);
    await reactTo(runStream(child));
    expect(await statusOf(child)).toBe('cancelled');
  });

  it('is cancelled with its session that was deleted', async () => {
    const session_id = await session();
    const attached = await run({ session_id });
    await reactTo(runStream(attached));
    expect(await statusOf(attached)).toBe('pending');
    await remove(session_id);
    await reactTo(runStream(attached));
    expect(await statusOf(attached)).toBe('cancelled');
  });
});

describe('what a writer died before doing', () => {
  it('to the runs below one that it cancelled, is done', async () => {
    const parent = await run();
    const child = await run({ parent_run_id: parent });
    below.set(parent, [child]);
    await cancel(parent);
    await reactTo(runStream(parent));
    expect(await statusOf(child)).toBe('cancelled');
  });

  it('to the runs of a session that it deleted, is done', async () => {
    const session_id = await session();
    const attached = await run({ session_id });
    below.set(session_id, [attached]);
    await remove(session_id);
    await reactTo(sessionStream(session_id));
    expect(await statusOf(attached)).toBe('cancelled');
  });

  it.each(['parent', 'session'])(
    'is done when the read model has come to the end of the %s, and not before',
    async (of) => {
      const [parent, session_id] = [await run(), await session()];
      const lost = await run(of === 'parent' ? { parent_run_id: parent } : { session_id });
      const ended = of === 'parent' ? runStream(parent) : sessionStream(session_id);
      await (of === 'parent' ? cancel(parent) : remove(session_id));
      comes = false;
      await expect(reactTo(ended)).rejects.toThrow(StoreUnavailable);
      comes = true;
      below.set(of === 'parent' ? parent : session_id, [lost]);
      await reactTo(ended);
      expect(await statusOf(lost)).toBe('cancelled');
    },
  );

  it('once it had claimed a session for a run, is done as the writer would have: by whom, when and why', async () => {
    const session_id = await session();
    const birth = born({ session_id });
    const claim = { type: 'SessionRunClaimed', data: { run: birth, active: [birth.run_id] } };
    const writer = new Causation(
      { ...servicePrincipal('default'), principalId: uuidv7() },
      {
        seed: { id: uuidv7(), at: 1_700_000_000_001, recovering: false },
        correlationId: 'theirs',
        traceparent,
      },
    );
    await onSession(session_id, claim, writer);
    await reactTo(sessionStream(session_id));
    const [claimed, created] = store.events.slice(-2);
    expect(created).toMatchObject({ type: 'RunCreated', metadata: claimed?.metadata });
    expect((await stateOf(birth.run_id))?.created_at).toBe('2023-11-14T22:13:20.001Z');
  });

  it('once it had claimed a session for a run, is done: the run is there, as it was to be', async () => {
    const session_id = await session();
    const birth = born({ session_id, source: 'mine' });
    const claim = { type: 'SessionRunClaimed', data: { run: birth, active: [birth.run_id] } };
    await onSession(session_id, claim);
    await reactTo(sessionStream(session_id));
    expect(await stateOf(birth.run_id)).toMatchObject({ session_id, source: 'mine', status: 'pending' });
    await cancel(birth.run_id);
    await reactTo(sessionStream(session_id));
    expect(await stateOf(birth.run_id)).toMatchObject({ status: 'cancelled', revision: 2 });
  });
});
