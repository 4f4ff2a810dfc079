import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Fact, fold, RuleViolation } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import {
  changeSchedule,
  comeDue,
  createSchedule,
  deleteSchedule,
  endSchedules,
  mostActive,
  noteTrigger,
  settleTime,
  summingUp,
} from './schedule-changes.decider.js';
import { type Schedules, schedulesDecider } from './schedule.decider.js';
import type { ScheduleBirth, ScheduleFact } from './schedule.events.js';

const now = Date.UTC(2026, 0, 1, 12);
const minute = (n: number): string => new Date(now + n * 60_000).toISOString();
const everyMinute = { cron: '* * * * *', time_zone: 'UTC' };
const once = { at: minute(10), time_zone: 'UTC' };

const birth = (id: string, more: Partial<ScheduleBirth> = {}): ScheduleBirth => ({
  schedule_id: id,
  project_id: 'default',
  session_id: 's',
  user_id: 'ann',
  times: everyMinute,
  run: {},
  on_active_run: 'enqueue',
  enabled: true,
  ...more,
});
const created = (id: string, more: Partial<ScheduleBirth> = {}): ScheduleFact => ({
  type: 'ScheduleCreated',
  data: { ...birth(id, more), ...(more.enabled !== false && { next_fire_at: minute(1) }) },
});
const came = (times: string[], next_fire_at: string | null): ScheduleFact => ({
  type: 'ScheduleCameDue',
  data: { schedule_id: 'a', times, next_fire_at },
});
const five = Array.from({ length: mostActive }, (_, n) => created(String(n)));
const after = (...facts: ScheduleFact[]) => given(schedulesDecider, facts);

describe('creating', () => {
  it('written: with the time that comes next', () => {
    after()
      .when((state) => createSchedule(state, birth('a'), now))
      .then([created('a')]);
  });

  it('written: disabled, with none, also beside five active ones', () => {
    after(...five)
      .when((state) => createSchedule(state, birth('a', { enabled: false }), now))
      .then([created('a', { enabled: false })]);
  });

  it('written: when one of five is done', () => {
    const done: ScheduleFact = {
      type: 'ScheduleCameDue',
      data: { schedule_id: '3', times: [minute(1)], next_fire_at: null },
    };
    after(...five, done)
      .when((state) => createSchedule(state, birth('a'), now))
      .then([created('a')]);
  });

  it('ignored: a second time', () => {
    after(created('a'))
      .when((state) => createSchedule(state, birth('a', { times: once }), now))
      .then([]);
  });

  it('refused: beyond five active ones', () => {
    after(...five)
      .when((state) => createSchedule(state, birth('a'), now))
      .thenRefused('too_many_schedules');
  });

  it('refused: a pattern that never comes', () => {
    after()
      .when((state) =>
        createSchedule(state, birth('a', { times: { cron: '0 0 30 2 *', time_zone: 'UTC' } }), now),
      )
      .thenRefused('validation_failed', { pointer: '/cron' });
  });

  it('refused: when its time is over', () => {
    after()
      .when((state) => createSchedule(state, birth('a', { times: once }), now + 600_000))
      .thenRefused('validation_failed');
  });
});

describe('changing', () => {
  it('written: what differs, without its times', () => {
    after(created('a'))
      .when((state) => changeSchedule(state, 'a', { name: 'n', times: everyMinute }, now))
      .then([{ type: 'ScheduleUpdated', data: { schedule_id: 'a', name: 'n' } }]);
  });

  it('written: new times, with the one that comes next; of a disabled one none does', () => {
    const updated = (next_fire_at: string | null): ScheduleFact => ({
      type: 'ScheduleUpdated',
      data: { schedule_id: 'a', times: once, next_fire_at },
    });
    after(created('a'))
      .when((state) => changeSchedule(state, 'a', { times: once }, now))
      .then([updated(minute(10))]);
    after(created('a', { enabled: false }))
      .when((state) => changeSchedule(state, 'a', { times: once }, now))
      .then([updated(null)]);
    after(created('a', { enabled: false }))
      .when((state) => changeSchedule(state, 'a', { times: once, enabled: true }, now))
      .then([
        updated(null),
        { type: 'ScheduleEnabled', data: { schedule_id: 'a', next_fire_at: minute(10) } },
      ]);
  });

  it('written: new times of one of five active ones', () => {
    after(...five)
      .when((state) => changeSchedule(state, '1', { times: once }, now))
      .then([{ type: 'ScheduleUpdated', data: { schedule_id: '1', times: once, next_fire_at: minute(10) } }]);
  });

  it('written: disabled; what has come until then is owed all the same', () => {
    after(created('a'))
      .when((state) => changeSchedule(state, 'a', { enabled: false }, now + 130_000))
      .then([
        came([minute(1), minute(2)], minute(3)),
        { type: 'ScheduleDisabled', data: { schedule_id: 'a' } },
      ]);
  });

  it('written: new times and disabled at once, though they are over and five others are active', () => {
    const past = { at: minute(-10), time_zone: 'UTC' };
    after(created('a'), came([minute(1)], null), ...five)
      .when((state) => changeSchedule(state, 'a', { times: past, enabled: false }, now))
      .then([
        { type: 'ScheduleUpdated', data: { schedule_id: 'a', times: past, next_fire_at: null } },
        { type: 'ScheduleDisabled', data: { schedule_id: 'a' } },
      ]);
  });

  it('written: the name of one that is disabled, beside five active ones', () => {
    after(...five, created('a', { enabled: false }))
      .when((state) => changeSchedule(state, 'a', { name: 'n' }, now))
      .then([{ type: 'ScheduleUpdated', data: { schedule_id: 'a', name: 'n' } }]);
  });

  it('ignored: nothing to change, though a time has come', () => {
    after(created('a'))
      .when((state) => changeSchedule(state, 'a', {}, now + 130_000))
      .then([]);
  });

  it('ignored: switching what was switched', () => {
    const enabled: ScheduleFact = {
      type: 'ScheduleEnabled',
      data: { schedule_id: 'a', next_fire_at: minute(1) },
    };
    const disabled: ScheduleFact = { type: 'ScheduleDisabled', data: { schedule_id: 'a' } };
    after(created('a', { enabled: false }), enabled)
      .when((state) => changeSchedule(state, 'a', { enabled: true }, now))
      .then([]);
    after(created('a'), disabled)
      .when((state) => changeSchedule(state, 'a', { enabled: false }, now))
      .then([]);
  });

  it('ignored: what is as it was', () => {
    after(created('a'))
      .when((state) =>
        changeSchedule(state, 'a', { enabled: true, name: null, times: everyMinute, run: {} }, now),
      )
      .then([]);
  });

  it('refused: enabling beyond five active ones, and what was once when its time is over', () => {
    after(...five, created('a', { enabled: false }))
      .when((state) => changeSchedule(state, 'a', { enabled: true }, now))
      .thenRefused('too_many_schedules');
    after(created('a', { enabled: false, times: once }))
      .when((state) => changeSchedule(state, 'a', { enabled: true }, now + 600_000))
      .thenRefused('validation_failed', { pointer: '/at' });
  });

  it('refused: making one that is done come again, beside five active ones', () => {
    after(created('a'), came([minute(1)], null), ...five)
      .when((state) => changeSchedule(state, 'a', { times: once }, now))
      .thenRefused('too_many_schedules');
  });

  it('expected revision: compared', () => {
    after(created('a'), came([minute(1)], minute(2)))
      .when((state) => changeSchedule(state, 'a', { name: 'n' }, now, 1))
      .thenRefused('revision_mismatch');
    after(created('a'))
      .when((state) => deleteSchedule(state, 'a', 2))
      .thenRefused('revision_mismatch');
    after(created('a'))
      .when((state) => comeDue(state, 'a', now, 2))
      .thenRefused('revision_mismatch');
    after(created('a'))
      .when((state) => deleteSchedule(state, 'a', 1))
      .then([{ type: 'ScheduleDeleted', data: { schedule_id: 'a' } }]);
  });

  it('refused: of one that was deleted', () => {
    after(created('a'), { type: 'ScheduleDeleted', data: { schedule_id: 'a' } })
      .when((state) => changeSchedule(state, 'a', { name: 'n' }, now))
      .thenRefused('not_found');
  });
});

describe('coming due', () => {
  it('counts what was skipped, and nothing when none was', () => {
    const skipping: ScheduleFact = {
      type: 'ScheduleCameDue',
      data: {
        ...{ schedule_id: 'a', times: [minute(4)], next_fire_at: minute(5) },
        skipped: { count: 3, first: minute(1), last: minute(3) },
      },
    };
    const skippedAfter = (...facts: ScheduleFact[]) =>
      fold(schedulesDecider, [created('a'), ...facts].map(envelope))['a']?.skipped_count;
    expect(skippedAfter(came([minute(1)], minute(2)))).toBe(0);
    expect(skippedAfter(skipping, came([minute(5)], minute(6)))).toBe(3);
  });

  it('written: the times that have come, and the next', () => {
    after(created('a'))
      .when((state) => comeDue(state, 'a', Date.parse(minute(3))))
      .then([came([minute(1), minute(2), minute(3)], minute(4))]);
    after(created('a'))
      .when((state) => comeDue(state, 'a', Date.parse(minute(1))))
      .then([came([minute(1)], minute(2))]);
  });

  it('ignored: before its time, when disabled, when done, when there is none', () => {
    const early = Date.parse(minute(1)) - 1;
    after(created('a'))
      .when((state) => comeDue(state, 'a', early))
      .then([]);
    after(created('a', { enabled: false }))
      .when((state) => comeDue(state, 'a', now + 999_999))
      .then([]);
    after(created('a'), came([minute(1)], null))
      .when((state) => comeDue(state, 'a', now + 999_999))
      .then([]);
    after()
      .when((state) => comeDue(state, 'a', now))
      .then([]);
  });
});

describe('settling a time', () => {
  const fired: ScheduleFact = {
    type: 'ScheduleFired',
    data: { schedule_id: 'a', due_at: minute(1), run_id: 'r' },
  };

  it('written: that it has its run, or for which rule it has none', () => {
    after(created('a'), came([minute(1)], minute(2)))
      .when((state) => settleTime(state, 'a', minute(1), { run_id: 'r' }))
      .then([fired]);
    after(created('a'), came([minute(1)], minute(2)))
      .when((state) => settleTime(state, 'a', minute(1), { code: 'session_busy', detail: 'busy' }))
      .then([
        {
          type: 'ScheduleFiringRefused',
          data: { schedule_id: 'a', due_at: minute(1), code: 'session_busy', detail: 'busy' },
        },
      ]);
  });

  it('ignored: a second time, and once the schedule is gone', () => {
    after(created('a'), came([minute(1)], minute(2)), fired)
      .when((state) => settleTime(state, 'a', minute(1), { run_id: 'r' }))
      .then([]);
    after()
      .when((state) => settleTime(state, 'a', minute(1), { run_id: 'r' }))
      .then([]);
  });
});

describe('noting a run that was asked for', () => {
  const triggered: ScheduleFact = { type: 'ScheduleTriggered', data: { schedule_id: 'a', run_id: 'r' } };

  it('written; ignored once the schedule is gone', () => {
    after(created('a'))
      .when((state) => noteTrigger(state, 'a', 'r'))
      .then([triggered]);
    after()
      .when((state) => noteTrigger(state, 'a', 'r'))
      .then([]);
  });
});

describe('ending', () => {
  it('written: of one that is disabled and still owes a run', () => {
    after(created('a'), came([minute(1)], minute(2)), {
      type: 'ScheduleDisabled',
      data: { schedule_id: 'a' },
    })
      .when((state) => endSchedules(state, 'session_deleted'))
      .then([{ type: 'ScheduleEnded', data: { schedule_id: 'a', reason: 'session_deleted' } }]);
  });

  it('written: of each that could still fire', () => {
    after(created('a'), created('b', { enabled: false }))
      .when((state) => endSchedules(state, 'session_deleted'))
      .then([{ type: 'ScheduleEnded', data: { schedule_id: 'a', reason: 'session_deleted' } }]);
  });

  it('ignored: a second time', () => {
    const ended: ScheduleFact = {
      type: 'ScheduleEnded',
      data: { schedule_id: 'a', reason: 'session_deleted' },
    };
    after(created('a'), came([minute(1)], minute(2)), ended)
      .when((state) => endSchedules(state, 'session_deleted'))
      .then([]);
  });
});

describe('summing up', () => {
  const triggered: ScheduleFact = { type: 'ScheduleTriggered', data: { schedule_id: 'a', run_id: 'r' } };
  const many = (count: number, ...first: ScheduleFact[]) =>
    after(...first, ...Array.from({ length: count - first.length }, () => triggered));

  it('written: every 200 facts, all as it was before what was decided', () => {
    many(199, created('a'), created('b', { enabled: false }))
      .when((state, revision) => summingUp(state, revision, [triggered]))
      .then([
        {
          type: 'SchedulesSummed',
          data: {
            schedules: [
              expect.objectContaining({ id: 'a', fired_count: 197, revision: 198 }) as never,
              expect.objectContaining({ id: 'b', enabled: false, revision: 1 }) as never,
            ],
          },
        },
        triggered,
      ]);
  });

  it('ignored: between, when nothing is decided, and of what is long', () => {
    for (const count of [1, 198, 200]) {
      many(count, created('a'))
        .when((state, revision) => summingUp(state, revision, [triggered]))
        .then([triggered]);
    }
    many(199, created('a'))
      .when((state, revision) => summingUp(state, revision, []))
      .then([]);
    many(199, created('a', { run: { input: 'x'.repeat(200_000) } }))
      .when((state, revision) => summingUp(state, revision, [triggered]))
      .then([triggered]);
  });
});

it('whatever is tried in whatever order, each time is settled once, in order, and five at most are active', () => {
  const attempt = fc.constantFrom<(state: Schedules, id: string, time: number) => ScheduleFact[]>(
    (state, id, time) => createSchedule(state, birth(id), time),
    (state, id, time) => changeSchedule(state, id, { enabled: true }, time),
    (state, id, time) => changeSchedule(state, id, { enabled: false }, time),
    (state, id, time) =>
      changeSchedule(state, id, { times: { cron: '*/2 * * * *', time_zone: 'UTC' } }, time),
    (state, id, time) => comeDue(state, id, time),
    (state, id) => settleTime(state, id, state[id]?.owed[0]?.due_at ?? '', { run_id: 'r' }),
    (state, id) => noteTrigger(state, id, 'r'),
    (state, id) => deleteSchedule(state, id),
    (state) => endSchedules(state, 'session_deleted'),
  );
  const step = fc.tuple(attempt, fc.integer({ min: 0, max: 7 }).map(String), fc.nat(5));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const facts: ScheduleFact[] = [];
      const state = () => fold(schedulesDecider, facts.map(envelope));
      let time = now;
      for (const [decide, id, minutes] of steps) {
        time += minutes * 60_000;
        facts.push(...refusable(() => decide(state(), id, time)));
        const active = Object.values(state()).filter((one) => one?.next_fire_at != null);
        expect(active.length).toBeLessThanOrEqual(mostActive);
      }
      for (let n = 0; n < 8; n++) {
        const settled = facts.flatMap(({ type, data }) =>
          type === 'ScheduleFired' && data.schedule_id === String(n) ? [data.due_at] : [],
        );
        expect(settled).toEqual([...new Set(settled)].sort());
      }
      // From a sum and what came behind it, as from all.
      const half = facts.length >> 1;
      const before = fold(schedulesDecider, facts.slice(0, half).map(envelope));
      const sum = { type: 'SchedulesSummed', data: { schedules: Object.values(before) } };
      const stored = JSON.parse(JSON.stringify([sum, ...facts.slice(half)])) as Fact[];
      expect(fold(schedulesDecider, stored.map(envelope))).toEqual(state());
    }),
  );
});

const envelope = (fact: Fact, revision: number) => ({
  ...fact,
  id: 'event',
  stream: 'schedules-s',
  revision,
  position: BigInt(revision),
  metadata: { $correlationId: 'c', $causationId: 'c', actor: 'a', project: 'p', at: minute(0) },
});

function refusable<T>(decide: () => T[]): T[] {
  try {
    return decide();
  } catch (error) {
    if (error instanceof RuleViolation) return [];
    throw error;
  }
}
