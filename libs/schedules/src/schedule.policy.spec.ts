import { beforeEach, expect, test } from '@jest/globals';
import { byService, Streams } from '#eventsourcing';
import type { Sql } from '#read-models';
import { sessionStream } from '#sessions';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { schedulesDecider } from './schedule.decider.js';
import { type ScheduleCreated, type ScheduleFact, scheduleStream } from './schedule.events.js';
import { SchedulePolicy } from './schedule.policy.js';

const session_id = '01990000-0000-7000-8000-000000000001';
const id = '01990000-0000-7000-8000-000000000002';

let store: MemoryEventStore;
let streams: Streams;

beforeEach(async () => {
  store = new MemoryEventStore();
  streams = new Streams(store);
  const data: ScheduleCreated['data'] = {
    ...{ schedule_id: id, project_id: 'default', session_id, user_id: 'ann' },
    ...{ times: { cron: '* * * * *', time_zone: 'UTC' }, run: {}, on_active_run: 'enqueue' },
    ...{ enabled: true, next_fire_at: '2026-01-01T00:00:00.000Z' },
  };
  await streams.execute(
    schedulesDecider,
    scheduleStream(session_id),
    byService('default'),
    (): ScheduleFact[] => [{ type: 'ScheduleCreated', data }],
  );
});

/** Lets the policy react, twice, to what happened to the session. */
async function happened(type: string): Promise<void> {
  const causation = byService('default');
  const event = { id: causation.mint(), type, data: {}, metadata: store.events[0]?.metadata } as never;
  await store.append(sessionStream(session_id), 'none', [event]);
  const policy = new SchedulePolicy(streams);
  for (let n = 0; n < 2; n++) await policy.apply(undefined as unknown as Sql, store.events.slice(1, 2));
}
const schedule = async () => (await streams.load(schedulesDecider, scheduleStream(session_id))).state[id];

test('the schedules of a session that is deleted end, once', async () => {
  await happened('SessionDeleted');
  expect(await schedule()).toMatchObject({ enabled: false });
  expect(store.events.slice(2)).toMatchObject([
    { type: 'ScheduleEnded', data: { reason: 'session_deleted' } },
  ]);
});

test('those of one that is changed go on', async () => {
  await happened('SessionUpdated');
  expect(await schedule()).toMatchObject({ enabled: true });
});
