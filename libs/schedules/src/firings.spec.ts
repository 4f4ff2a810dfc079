import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CommandBus } from '@nestjs/cqrs';
import type { Authority } from '#access';
import { byService, Causation, type Principal, RuleViolation, Streams } from '#eventsourcing';
import type { RecentWrites } from '#read-models';
import { CreateRun, createRun, runDecider, type RunState, runStream } from '#runs';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { mostOwed } from './due-times.decider.js';
import { Firings } from './firings.js';
import { ScheduleBook } from './schedule-book.js';
import { comeDue, noteTrigger } from './schedule-changes.decider.js';
import { schedulesDecider, type ScheduleState } from './schedule.decider.js';
import { type ScheduleCreated, type ScheduleFact, scheduleStream } from './schedule.events.js';

const session_id = '01990000-0000-7000-8000-000000000001';
const id = '01990000-0000-7000-8000-000000000002';
const ann: Principal = { principalId: 'key-of-ann', projectId: 'default', userId: 'ann', role: 'user' };
const running = new AbortController().signal;

let store: MemoryEventStore;
let streams: Streams;
let firings: Firings;
let asked: CreateRun[];
/** What the room of the runs does with what it is asked. */
let answer: (command: CreateRun) => Promise<unknown>;
let principal: Principal | undefined;

beforeEach(() => {
  store = new MemoryEventStore();
  streams = new Streams(store);
  asked = [];
  principal = ann;
  answer = makeRun;
  const bus = {
    execute: (command: CreateRun) => {
      asked.push(command);
      return answer(command);
    },
  };
  const authority = { principal: () => Promise.resolve(principal) };
  const writes = { wrote: () => undefined };
  firings = new Firings(
    streams,
    bus as unknown as CommandBus,
    authority as unknown as Authority,
    new ScheduleBook(streams, writes as unknown as RecentWrites),
  );
});

async function makeRun({ id: run_id = '', body, causation }: CreateRun): Promise<void> {
  const birth = {
    ...{
      run_id,
      project_id: 'default',
      user_id: 'ann',
      task_id: run_id,
      root_run_id: run_id,
      kind: 'turn' as const,
    },
    ...{ metadata: body.metadata ?? {}, max_attempts: 3, session_id },
  };
  await streams.execute(runDecider, runStream(run_id), causation, (run) => createRun(run, birth));
}

/** A schedule of every second whose next time was some seconds ago. */
async function schedule(secondsAgo: number, schedule_id = id): Promise<string> {
  const next = new Date(Math.floor(Date.now() / 1_000 - secondsAgo) * 1_000).toISOString();
  const data: ScheduleCreated['data'] = {
    ...{ schedule_id, project_id: 'default', session_id, user_id: 'ann' },
    ...{ times: { cron: '* * * * * *', time_zone: 'UTC' }, run: { source: 'cron' } },
    ...{ on_active_run: 'enqueue', enabled: true, next_fire_at: next },
  };
  const causation = new Causation(ann);
  await streams.execute(schedulesDecider, scheduleStream(session_id), causation, (): ScheduleFact[] => [
    { type: 'ScheduleCreated', data },
  ]);
  return next;
}

const state = async (): Promise<ScheduleState> =>
  (await streams.load(schedulesDecider, scheduleStream(session_id))).state[id] as ScheduleState;
const fire = () => firings.fire(session_id, running);
const dueTimes = (): unknown[] =>
  asked.map(({ body }) => (body.metadata?.['schedule'] as { due_at: string }).due_at);

describe('firing what was missed', () => {
  it('makes a run for each time, in order, that says how late it is, by the authority of its creator', async () => {
    const next = await schedule(3);
    await fire();
    const { fired_count, owed, next_fire_at } = await state();
    expect(owed).toEqual([]);
    expect(asked).toHaveLength(fired_count);
    expect(asked.map(({ id: run }) => run)).toEqual(asked.map(({ id: run }) => run).sort());
    expect(fired_count).toBeGreaterThanOrEqual(4);
    expect(dueTimes()).toEqual(asked.map((_, n) => new Date(Date.parse(next) + n * 1_000).toISOString()));
    expect(Date.parse(next_fire_at ?? '')).toBe(Date.parse(next) + fired_count * 1_000);
    const [first] = asked;
    expect(first?.causation.principal).toEqual(ann);
    expect(first?.body).toMatchObject({ source: 'cron', user_id: 'ann', on_active_run: 'enqueue' });
    const { late_ms } = first?.body.metadata?.['schedule'] as { late_ms: number };
    const { state: run } = await streams.load(runDecider, runStream(first?.id ?? ''));
    expect(Date.parse((run as RunState).created_at)).toBe(Date.parse(next) + late_ms);
  });

  it('makes runs for the newest, and counts the others, however many', async () => {
    await schedule(2_000);
    await fire();
    const { skipped_count, fired_count } = await state();
    expect(asked).toHaveLength(fired_count);
    expect(fired_count).toBeGreaterThanOrEqual(mostOwed);
    expect(fired_count + skipped_count).toBeGreaterThanOrEqual(2_001);
    expect(skipped_count).toBeGreaterThanOrEqual(1_901);
  });
});

/** Has it make so many runs apart from its times. */
async function triggered(count: number): Promise<void> {
  const book = new ScheduleBook(streams, { wrote: () => undefined } as unknown as RecentWrites);
  for (let n = 0; n < count; n++) {
    await book.change(session_id, id, new Causation(ann), (schedules) =>
      noteTrigger(schedules, id, `run-${n}`),
    );
  }
}

it('fires what comes due when the schedules are summed up', async () => {
  await schedule(3);
  await triggered(198);
  await fire();
  expect(store.events.map(({ type }) => type).slice(199, 201)).toEqual([
    'SchedulesSummed',
    'ScheduleCameDue',
  ]);
  expect(asked.map(({ causation }) => causation.recovering)).toEqual(asked.map(() => false));
  expect(await state()).toMatchObject({ owed: [], fired_count: 198 + asked.length });
});

it('who meets the schedules of a session late reads what came since they were last summed up', async () => {
  await schedule(-60);
  await triggered(500);
  const known = await state();
  expect(known).toMatchObject({ fired_count: 500, last_run_id: 'run-499' });
  let read = 0;
  const counting = new (class extends MemoryEventStore {
    override async *readStream(...args: Parameters<MemoryEventStore['readStream']>) {
      for await (const event of store.readStream(...args)) {
        read++;
        yield event;
      }
    }
  })();
  streams = new Streams(counting);
  expect(await state()).toEqual(known);
  expect(read).toBeLessThanOrEqual(200);
});

describe('firing what is due of a session', () => {
  it('makes the runs of all its schedules in the order of their times', async () => {
    await schedule(3);
    await schedule(2, '01990000-0000-7000-8000-000000000003');
    await fire();
    expect(dueTimes().length).toBeGreaterThanOrEqual(7);
    expect(dueTimes()).toEqual([...dueTimes()].sort());
  });

  it('leaves to the next what is left when this process leads no longer', async () => {
    await schedule(3);
    await firings.fire(session_id, AbortSignal.abort());
    expect(asked).toEqual([]);
    expect((await state()).owed.length).toBeGreaterThanOrEqual(4);
  });
});

describe('firing again after a death', () => {
  const owe = (): Promise<unknown> =>
    streams.execute(schedulesDecider, scheduleStream(session_id), byService('default'), (schedules) =>
      comeDue(schedules, id, Date.now()),
    );
  const die = (): Promise<never> => Promise.reject(new Error('killed'));

  it('before the run was made: makes it', async () => {
    await schedule(0);
    await owe();
    await fire();
    expect((await state()).owed).toEqual([]);
    expect(asked[0]?.causation.recovering).toBe(true);
  });

  it('after the run was made: makes no other, and notes it', async () => {
    await schedule(0);
    answer = async (command) => {
      await makeRun(command);
      return die();
    };
    await expect(fire()).rejects.toThrow('killed');
    const [made] = asked;
    expect((await state()).owed[0]).toBeDefined();
    answer = makeRun;
    await fire();
    expect(dueTimes().filter((time) => time === dueTimes()[0])).toHaveLength(1);
    expect((await state()).owed).toEqual([]);
    expect(made?.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('asks for the same run with the same cause each time', async () => {
    await schedule(0);
    answer = die;
    await expect(fire()).rejects.toThrow('killed');
    await expect(fire()).rejects.toThrow('killed');
    expect(asked).toHaveLength(2);
    expect(asked[1]?.id).toBe(asked[0]?.id);
    expect(asked[1]?.causation.id).toBe(asked[0]?.causation.id);
    expect(asked[1]?.causation.at).toBe(asked[0]?.causation.at);
  });
});

describe('a firing that is refused', () => {
  const refusing = (code: string) => () => Promise.reject(new RuleViolation(code, 'refused'));

  it('is noted with its code, whichever it is, and the schedule goes on', async () => {
    await schedule(0);
    answer = refusing('session_paused');
    await fire();
    const { last_error, fired_count, last_run_id, next_fire_at, enabled, owed } = await state();
    expect({ last_error, fired_count, last_run_id, enabled, owed }).toEqual({
      last_error: 'session_paused',
      fired_count: 0,
      last_run_id: null,
      enabled: true,
      owed: [],
    });
    expect(next_fire_at).not.toBeNull();
  });

  it('by a deleted session is its end', async () => {
    await schedule(0);
    answer = refusing('session_deleted');
    await fire();
    expect(await state()).toMatchObject({
      enabled: false,
      next_fire_at: null,
      last_error: 'session_deleted',
    });
  });

  it('is that of a key which may do it no longer', async () => {
    await schedule(0);
    principal = { ...ann, role: 'viewer' };
    await fire();
    expect((await state()).last_error).toBe('forbidden');
    expect(asked).toEqual([]);
  });
});

it('ignored: what is not due yet', async () => {
  await schedule(-3_600);
  expect(await fire()).toBeUndefined();
  expect(asked).toEqual([]);
});
