import { afterAll, beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent } from '#eventsourcing';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { projected } from '../../../test/support/projected.js';
import {
  changeSchedule,
  comeDue,
  createSchedule,
  deleteSchedule,
  endSchedules,
  settleTime,
} from './schedule-changes.decider.js';
import { type Schedules, schedulesDecider } from './schedule.decider.js';
import { type ScheduleFact, scheduleStream } from './schedule.events.js';
import { SchedulesProjection } from './schedule.projection.js';

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
  verb: fc.constantFrom('disable', 'enable', 'name', 'due', 'settle', 'delete', 'end'),
  text: fc.constantFrom('yes', 'Zoë', '\ud800', 'a\nb'),
});
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

function decided(schedules: Schedules, { of, verb, text }: Command, now: number): ScheduleFact[] {
  const id = idOf(of);
  const schedule = schedules[id];
  if (verb === 'end') return endSchedules(schedules, 'session_deleted');
  if (schedule === undefined) return [];
  if (verb === 'name') return changeSchedule(schedules, id, { name: text }, now);
  if (verb === 'due') return comeDue(schedules, id, now);
  if (verb === 'settle')
    return settleTime(schedules, id, schedule.owed[0]?.due_at ?? '', { run_id: idOf(7) });
  return verb === 'delete'
    ? deleteSchedule(schedules, id)
    : changeSchedule(schedules, id, { enabled: verb === 'enable' }, now);
}

/** What random commands leave behind of five schedules in two sessions, in the order of the store. */
const histories = fc.array(command, { maxLength: 30 }).map((commands) => {
  const events: RecordedEvent[] = [];
  const of = (stream: string) => events.filter((event) => event.stream === stream);
  let now = start;
  const decide = (n: number, decision: (schedules: Schedules) => ScheduleFact[]): void => {
    const stream = scheduleStream(idOf(60 + (n % 2)));
    for (const fact of decision(fold(schedulesDecider, of(stream)))) {
      const at = new Date((now += 20_000)).toISOString();
      const metadata = { $correlationId: 'c', $causationId: 'c', actor: idOf(99), project: 'default', at };
      const place = { revision: of(stream).length, position: BigInt(events.length + 1) };
      events.push({ ...fact, id: idOf(1_000 + events.length), stream, ...place, metadata });
    }
  };
  for (let n = 0; n < 5; n++) {
    const birth = {
      schedule_id: idOf(n),
      project_id: 'default',
      session_id: idOf(60 + (n % 2)),
      user_id: idOf(98),
      times: { cron: '* * * * *', time_zone: 'UTC' },
      run: { input: 'a\nb' },
      on_active_run: 'enqueue' as const,
      enabled: n > 0,
    };
    decide(n, (schedules) => createSchedule(schedules, birth, now));
  }
  for (const one of commands) decide(one.of, (schedules) => decided(schedules, one, now));
  return events;
});

it('gives the same rows whatever the batches, each as its stream tells it, due when it must wake', async () => {
  await fc.assert(
    fc.asyncProperty(histories, fc.integer({ min: 1, max: 9 }), async (events, size) => {
      const atOnce = await projected(database.url, new SchedulesProjection(), events);
      expect(await projected(database.url, new SchedulesProjection(), events, size)).toEqual(atOnce);
      const states = [60, 61].flatMap((n) =>
        Object.values(
          fold(
            schedulesDecider,
            events.filter(({ stream }) => stream === scheduleStream(idOf(n))),
          ),
        ),
      );
      const rows = atOnce['schedules'] ?? [];
      const byId = (a: unknown, b: unknown): number =>
        (a as { id: string }).id < (b as { id: string }).id ? -1 : 1;
      expect(rows.map(({ doc }) => doc).sort(byId)).toEqual([...states].sort(byId));
      for (const { id, enabled, wake_at } of rows) {
        const state = states.find((one) => one?.id === id);
        expect(enabled).toBe(state?.enabled);
        const wake = state?.owed[0]?.due_at ?? state?.next_fire_at ?? null;
        expect(wake_at === null ? null : new Date(wake_at as string).toISOString()).toBe(wake);
      }
    }),
    { numRuns: 15 },
  );
});
