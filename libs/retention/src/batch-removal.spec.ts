import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { byService, Streams } from '#eventsourcing';
import { Database, ReadModels1760000000001 } from '#read-models';
import { type Database as Fresh, freshDatabase } from '../../../test/support/database.js';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { BatchRemoval } from './batch-removal.js';
import { legalHoldDecider, placeHold } from './legal-hold.decider.js';
import { type HoldSubject, legalHoldStream } from './legal-hold.events.js';
import { policyDecider, setPolicy } from './policy.decider.js';
import { type Belonging, type Cause, RetainedContents, type RetainedContent } from './retained-content.js';
import { RetentionRules } from './retention-rules.js';
import { type RetentionLimits, type RetentionScope, retentionStream } from './retention.events.js';
import type { RemovalRecord, SweepBatch } from './sweep.events.js';

const [project, run, session, user] = ['default', 'r', 's', 'u'];
const day: RetentionLimits = { max_age: 'P1D', max_bytes: null, action: 'purge' };
const removal: RemovalRecord = {
  ...{ id: run, after_seq: 0, through_seq: 9, revision: 1, bytes: 90 },
  ...{ from: '2026-01-01T00:00:00.000Z', to: '2026-01-01T00:00:01.000Z' },
};
const batch: SweepBatch = {
  ...{ number: 1, kind: 'logs', scope: 'default', limits: day, pieces: 1, removals: [removal] },
};

let fresh: Fresh;
let database: Database;
let streams: Streams;
let belonging: Belonging;
let isRemoved: boolean;
let removed: readonly RemovalRecord[];
let cause: Cause;
let batches: BatchRemoval;

beforeAll(async () => {
  fresh = await freshDatabase();
  database = await Database.open(fresh.url, [ReadModels1760000000001]);
});
afterAll(async () => {
  await database.close();
  await fresh.drop();
});
beforeEach(async () => {
  streams = new Streams(new MemoryEventStore());
  belonging = { run_ids: [run], session_id: session, user_ids: [user], over: true };
  isRemoved = false;
  const content = {
    kind: 'logs',
    belongsTo: () => Promise.resolve(belonging),
    isRemoved: () => Promise.resolve(isRemoved),
    remove: (removals: readonly RemovalRecord[], why: Cause) => {
      [removed, cause] = [removals, why];
      return Promise.resolve(1n);
    },
  };
  const contents = new RetainedContents([content as unknown as RetainedContent]);
  batches = new BatchRemoval(database, new RetentionRules(streams, database), contents);
  await policy({ of: 'default' }, day);
});

const policy = (scope: RetentionScope, limits: RetentionLimits) =>
  streams.execute(policyDecider, retentionStream(scope), byService(project), (policies) =>
    setPolicy(policies, { kind: 'logs', ...limits }),
  );
const hold = (subject: HoldSubject) =>
  streams.execute(legalHoldDecider, legalHoldStream(project), byService(project), (holds) =>
    placeHold(holds, { hold_id: 'h', project_id: project, subject, reason: 'case' }),
  );

describe('a batch that was decided on', () => {
  it('is removed when nothing has come in between', async () => {
    expect(await batches.remove(project, 'o', batch)).toEqual({ kept: [], position: 1n });
    expect(removed).toEqual([removal]);
    expect(cause).toEqual({ operation_id: 'o', scope: 'default' });
  });

  it('names the manifest of what was archived', async () => {
    await batches.remove(project, 'o', batch, 'm');
    expect(cause).toEqual({ operation_id: 'o', scope: 'default', archive: 'm' });
  });

  it.each<[string, () => unknown]>([
    ['is held by its run', () => hold({ run_id: run })],
    ['is held by its session', () => hold({ session_id: session })],
    ['is held by its user', () => hold({ user_id: user })],
    ['belongs to a run that runs', () => (belonging = { ...belonging, over: false })],
    [
      'is shown by a fork',
      () => (belonging = { ...belonging, sharers: [{ session_id: 'f', user_id: user, live: true }] }),
    ],
    ['may be kept longer', () => policy({ of: 'default' }, { ...day, max_age: 'P2D' })],
    ['has a nearer policy', () => policy({ of: 'session', id: session }, day)],
  ])('keeps what %s by now', async (_name, comes) => {
    await comes();
    expect((await batches.remove(project, 'o', batch)).kept).toEqual([run]);
    expect(removed).toEqual([]);
  });

  it('goes on with what it had begun to remove, whatever has come since', async () => {
    isRemoved = true;
    await hold({ run_id: run });
    expect((await batches.remove(project, 'o', batch)).kept).toEqual([]);
    expect(removed).toEqual([removal]);
  });
});
