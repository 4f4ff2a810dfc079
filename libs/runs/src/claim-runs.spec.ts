import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  type AppendResult,
  type Batch,
  Causation,
  StoreUnavailable,
  Streams,
  type SubscribeAllOptions,
  uuidv7,
} from '#eventsourcing';
import { Database, ReadModelClock, ReadModels1760000000001, RecentWrites } from '#read-models';
import { SessionBudgets, sessionDecider, type SessionFact, sessionStream } from '#sessions';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { served } from '../../../test/support/served-runs.js';
import { ClaimCandidates } from './claim-candidates.js';
import { ClaimRuns, ClaimRunsHandler } from './claim-runs.js';
import { ClaimRunsBody } from './claim.bodies.js';
import { PendingFeed } from './pending-feed.js';
import { PendingRuns } from './pending-runs.js';
import { changeRun, createRun } from './run-changes.decider.js';
import { runDecider, type RunState } from './run.decider.js';
import { runStream } from './run.events.js';
import { RunWrites } from './run-writes.js';

const principal = { principalId: 'p', projectId: 'default', userId: uuidv7(), role: 'worker' } as const;
const never = new AbortController().signal;

/** A store whose subscribers hear of nothing while it is held, and that cannot be reached for some streams. */
class SlowStore extends MemoryEventStore {
  readonly unreachable = new Set<string>();
  private gate = Promise.resolve();

  /** @returns what lets them go on */
  hold(): () => void {
    let open = (): void => undefined;
    this.gate = new Promise((resolve) => (open = resolve));
    return open;
  }

  override append(...args: Parameters<MemoryEventStore['append']>): Promise<AppendResult> {
    if (!this.unreachable.has(args[0])) return super.append(...args);
    return Promise.reject(new StoreUnavailable('the store cannot be reached'));
  }

  override async *subscribeAll(options: SubscribeAllOptions): AsyncGenerator<Batch> {
    for await (const batch of super.subscribeAll(options)) {
      await this.gate;
      yield batch;
    }
  }
}

let fresh: Fresh;
let database: Database;
let clock: ReadModelClock;
let store: SlowStore;
let writes: RunWrites;
let streams: Streams;
let feeds: PendingFeed[];
beforeAll(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, [ReadModels1760000000001]);
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});
beforeEach(async () => {
  store = new SlowStore();
  streams = new Streams(store);
  clock = new ReadModelClock(database);
  writes = new RunWrites(new RecentWrites(clock));
  feeds = [];
  await project();
});
afterEach(async () => {
  for (const feed of feeds) feed.onModuleDestroy();
  await clock.close();
});

/** A process of its own, with room for so many runs in memory. */
function claimer(runs = 1_000): (body?: Partial<ClaimRunsBody>, gone?: AbortSignal) => Promise<string[]> {
  const own = new Streams(store);
  const feed = new PendingFeed(store, own, database, clock, new PendingRuns(runs * 1_010));
  feeds.push(feed);
  const budgets = new SessionBudgets(own, database, clock, new RecentWrites(clock));
  const candidates = new ClaimCandidates(feed, database, own, budgets);
  const handler = new ClaimRunsHandler(feed, candidates, own, writes);
  return async (body = {}, gone = never) => {
    const asked = Object.assign(new ClaimRunsBody(), { worker_id: 'w', ...body });
    const claimed = await handler.execute(new ClaimRuns(asked, new Causation(principal), gone));
    return claimed.map(({ run }) => run.id);
  };
}

async function createRuns(count: number, behind: string[] = [], session?: string): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const id = uuidv7(1_760_000_000_000 + store.events.length);
    const birth = {
      run_id: id,
      project_id: 'default',
      user_id: principal.userId,
      task_id: id,
      root_run_id: id,
      ...(session !== undefined && { session_id: session }),
    };
    await streams.execute(runDecider, runStream(id), new Causation(principal), (run) =>
      createRun(run, { ...birth, kind: 'job', metadata: {}, max_attempts: 3, behind }),
    );
    ids.push(id);
  }
  return ids;
}

const change = (id: string, news: Parameters<typeof changeRun>[1]) =>
  streams.execute(runDecider, runStream(id), new Causation(principal), (run) =>
    changeRun(run as RunState, news),
  );

/** Brings the read model up to date: from here on it lags behind until the next time. */
async function project(): Promise<void> {
  await served(database, store.events);
  const position = await store.head();
  await database.query(
    `INSERT INTO runledger.projections (name, build, version, position) VALUES ('runs', 'serving', 3, $1)
     ON CONFLICT (name, build) DO UPDATE SET position = excluded.position`,
    [position.toString()],
  );
  clock.moved('runs', position);
}

describe('a claim in a process that has just started', () => {
  it('finds what the read model knows and what it does not know yet, the oldest first', async () => {
    const old = await createRuns(3);
    await project();
    const young = await createRuns(3);
    expect(await claimer()({ max: 100 })).toEqual([...old, ...young]);
  });

  it('finds a run with text that is no good Unicode, and all others', async () => {
    const runs = await createRuns(2);
    await change(runs[0] ?? '', { metadata: { text: '\ud800' } });
    await project();
    expect(await claimer()({ max: 100 })).toEqual(runs);
  });

  it('needs no read model, when none has been built yet', async () => {
    await database.query('DROP SCHEMA runs CASCADE; DELETE FROM runledger.projections');
    clock = new ReadModelClock(database);
    const runs = await createRuns(2);
    expect(await claimer()({ max: 100 })).toEqual(runs);
  });

  it('does not take what was started since the read model last moved', async () => {
    const [first = '', second = ''] = await createRuns(2);
    await project();
    await change(first, { status: 'running' });
    const claim = claimer();
    expect(await claim({ max: 100 })).toEqual([second]);
    expect(await claim()).toEqual([]);
  });
});

describe('a claim that finds nothing', () => {
  it('waits for what its own process has just written, and not for others', async () => {
    const claim = claimer();
    expect(await claim()).toEqual([]);
    const open = store.hold();
    const [id = ''] = await createRuns(1);
    expect(await claim()).toEqual([]);
    writes.wrote({ id, session_id: null }, await store.head());
    const claiming = claim();
    let answered = false;
    void claiming.then(() => (answered = true));
    for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve));
    expect(answered).toBe(false);
    open();
    expect(await claiming).toEqual([id]);
  });
});

describe('what a claim hands out', () => {
  it('is all that it has claimed, though the store could not be reached for the others', async () => {
    const [first = '', second = '', third = ''] = await createRuns(3);
    const claim = claimer();
    store.unreachable.add(runStream(second));
    expect(await claim({ max: 3 })).toEqual([first, third]);
    await expect(claim({ max: 3 })).rejects.toThrow(StoreUnavailable);
    store.unreachable.clear();
    expect(await claim({ max: 3 })).toEqual([second]);
  });

  it('is what the filter wants by then, whatever was known before', async () => {
    const [id = ''] = await createRuns(1);
    await change(id, { metadata: { team: 'a' } });
    const claim = claimer();
    expect(await claim({ filter: { metadata: { team: 'b' } } })).toEqual([]);
    const open = store.hold();
    await change(id, { metadata: { team: 'b' } });
    expect(await claim({ filter: { metadata: { team: 'a' } } })).toEqual([]);
    open();
    const filter = { metadata: { team: 'b' } };
    expect(await claim({ filter, wait_seconds: 30 })).toEqual([id]);
  });

  it('is leased from the moment in which it is claimed, not from when the wait began', async () => {
    const claim = claimer();
    expect(await claim()).toEqual([]);
    const waiting = claim({ wait_seconds: 30, lease_seconds: 10 });
    const asked = Date.now();
    while (Date.now() === asked) await new Promise((resolve) => setImmediate(resolve));
    const [id = ''] = await createRuns(1);
    expect(await waiting).toEqual([id]);
    const { state: run } = await streams.load(runDecider, runStream(id));
    expect(Date.parse(run?.lease?.expires_at ?? '') - 10_000).toBeGreaterThan(asked);
  });
});

describe('claims with more pending runs than memory has room for', () => {
  it('take all of them once, the oldest first', async () => {
    const old = await createRuns(150);
    await project();
    const claim = claimer(20);
    const young = await createRuns(50);
    const claimed: string[] = [];
    for (let more = await claim({ max: 7 }); more.length > 0; more = await claim({ max: 7 })) {
      claimed.push(...more);
      if (claimed.length % 5 === 0) await project();
    }
    expect(claimed.slice(0, 100)).toEqual(old.slice(0, 100));
    await project();
    claimed.push(...(await claim({ max: 100 })));
    expect(claimed.sort()).toEqual([...old, ...young]);
  });
});

describe('claims of several processes', () => {
  it('never take the same run', async () => {
    const runs = await createRuns(60);
    await project();
    const claims = [claimer(), claimer(), claimer(10)];
    const claimed: string[] = [];
    const work = async (claim: (typeof claims)[number]): Promise<void> => {
      for (let got = await claim({ max: 4 }); got.length > 0; got = await claim({ max: 4 }))
        claimed.push(...got);
    };
    await Promise.all(claims.flatMap((claim) => [work(claim), work(claim)]));
    expect(claimed.sort()).toEqual(runs);
  });

  it('wake up for a run that another process has created', async () => {
    const claim = claimer();
    expect(await claim()).toEqual([]);
    const waiting = claim({ wait_seconds: 30 });
    expect(await createRuns(1)).toEqual(await waiting);
  });

  it('wake up for an enqueued run when its holder ends, however often they have tried', async () => {
    const [holder = ''] = await createRuns(1);
    await change(holder, { status: 'running' });
    const next = await createRuns(1, [holder]);
    const claim = claimer();
    expect([await claim(), await claim()]).toEqual([[], []]);
    const waiting = claim({ wait_seconds: 30 });
    await change(holder, { status: 'completed' });
    expect(await waiting).toEqual(next);
  });
});

describe('claims of runs whose session is paused', () => {
  const session = uuidv7();
  const paused: SessionFact = {
    type: 'SessionPaused',
    data: {
      reason: 'max_tokens',
      budget: { max_tokens: 5, max_cost_usd: null, used_tokens: 7, used_cost_usd: 0 },
    },
  };
  const born: SessionFact = {
    type: 'SessionCreated',
    data: {
      session_id: session,
      project_id: 'default',
      user_id: principal.userId,
      owner_principal_id: principal.principalId,
      metadata: {},
    },
  };
  const happens = (...facts: SessionFact[]) =>
    streams.execute(sessionDecider, sessionStream(session), new Causation(principal), () => facts);

  it.each([1_000, 0])('take others, with room for %d runs in memory', async (room) => {
    await happens(born, paused);
    await createRuns(2, [], session);
    const others = await createRuns(2);
    await project();
    expect(await claimer(room)({ max: 10 })).toEqual(others);
  });

  it('wake up for them when it is resumed, however often they have tried', async () => {
    await happens(born, paused);
    const held = await createRuns(1, [], session);
    const claim = claimer();
    expect([await claim(), await claim()]).toEqual([[], []]);
    const waiting = claim({ wait_seconds: 30 });
    await happens({ type: 'SessionResumed', data: { reason: 'requested', budget: null } });
    expect(await waiting).toEqual(held);
  });
});

describe('a claim for a client that has gone', () => {
  it('takes nothing', async () => {
    await createRuns(1);
    expect(await claimer()({}, AbortSignal.abort())).toEqual([]);
  });

  it('ends its wait', async () => {
    const gone = new AbortController();
    const waiting = claimer()({ wait_seconds: 60 }, gone.signal);
    gone.abort();
    expect(await waiting).toEqual([]);
  });
});
