import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { cronFault, isTimeZone, missedTimes, mostOwed, nextTime } from './due-times.decider.js';
import type { ScheduleTimes } from './schedule.events.js';

/** The next times after a moment, as many as are asked for. */
function timesAfter(times: ScheduleTimes, after: string, count: number): string[] {
  const found: string[] = [];
  for (let next = nextTime(times, Date.parse(after)); next !== null && found.length < count;) {
    found.push(next);
    next = nextTime(times, Date.parse(next));
  }
  return found;
}

const newYork = (cron: string): ScheduleTimes => ({ cron, time_zone: 'America/New_York' });

describe('when clocks go forward', () => {
  // In New York, 2026-03-08 has no time from 02:00 to 03:00.
  it('a fixed time that does not exist comes once, when the clock goes on', () => {
    expect(timesAfter(newYork('30 2 * * *'), '2026-03-07T12:00:00Z', 2)).toEqual([
      '2026-03-08T07:00:00.000Z',
      '2026-03-09T06:30:00.000Z',
    ]);
  });

  it('what is stepped comes whenever the clock shows it, and goes on without a gap', () => {
    expect(timesAfter(newYork('*/30 * * * *'), '2026-03-08T06:00:00Z', 3)).toEqual([
      '2026-03-08T06:30:00.000Z',
      '2026-03-08T07:00:00.000Z',
      '2026-03-08T07:30:00.000Z',
    ]);
  });

  it('the same where the clock goes half an hour forward', () => {
    const times = { cron: '15 2 * * *', time_zone: 'Australia/Lord_Howe' };
    expect(timesAfter(times, '2026-10-03T12:00:00Z', 2)).toEqual([
      '2026-10-03T15:30:00.000Z',
      '2026-10-04T15:15:00.000Z',
    ]);
  });

  it('the same at midnight', () => {
    const times = { cron: '0 0 * * *', time_zone: 'America/Sao_Paulo' };
    expect(timesAfter(times, '2018-11-03T12:00:00Z', 2)).toEqual([
      '2018-11-04T03:00:00.000Z',
      '2018-11-05T02:00:00.000Z',
    ]);
  });
});

describe('when clocks go back', () => {
  // In New York, 2026-11-01 has the time from 01:00 to 02:00 twice.
  it('a fixed time that exists twice comes the first time only', () => {
    expect(timesAfter(newYork('30 1 * * *'), '2026-10-31T12:00:00Z', 2)).toEqual([
      '2026-11-01T05:30:00.000Z',
      '2026-11-02T06:30:00.000Z',
    ]);
  });

  it('what is stepped goes on without a gap', () => {
    expect(timesAfter(newYork('0 * * * *'), '2026-11-01T04:30:00Z', 3)).toEqual([
      '2026-11-01T05:00:00.000Z',
      '2026-11-01T06:00:00.000Z',
      '2026-11-01T07:00:00.000Z',
    ]);
  });
});

describe('next times', () => {
  const zones = fc.constantFrom(
    'UTC',
    'America/New_York',
    'Europe/Berlin',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'America/St_Johns',
    'Africa/Casablanca',
    'Pacific/Chatham',
  );
  const stepped = (most: number) => fc.integer({ min: 1, max: most }).map((n) => `*/${n}`);
  const minute = fc.oneof(fc.constant('*'), stepped(30), fc.constantFrom('0,30', '5-9', '7,8,59'));
  const hour = fc.oneof(fc.constant('*'), stepped(6), fc.constantFrom('0-4', '1,2,3', '22,23,0,1'));
  const weekday = fc.constantFrom('*', '*', '0', '6,0', '1-5');
  const patterns = fc.tuple(minute, hour, weekday).map(([m, h, d]) => `${m} ${h} * * ${d}`);
  /** Around a change of the clocks, or anywhere. */
  const starts = fc.oneof(
    fc
      .constantFrom(
        '2026-03-08T05',
        '2026-11-01T04',
        '2026-03-29T00',
        '2026-10-24T23',
        '2026-04-04T14',
        '2026-09-26T13',
      )
      .map((hour_) => Date.parse(`${hour_}:00:00Z`)),
    fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2028, 0, 1) }),
  );

  /** Whether the fields of a pattern name a value, one by one and by counting. */
  const names = (field: string, value: number, wraps = false): boolean =>
    field.split(',').some((part) => {
      const [, step] = /^\*\/(\d+)$/.exec(part) ?? [];
      if (step !== undefined) return value % Number(step) === 0;
      const [from = 0, to = from] = part.split('-').map(Number);
      return part === '*' || (value >= from && value <= to) || (wraps && value === 0 && part === '7');
    });

  const clocks = new Map<string, Intl.DateTimeFormat>();
  const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
  /** What a clock on the wall shows. */
  function shown(zone: string, time: number): { minute: number; hour: number; weekday: number } {
    const clock =
      clocks.get(zone) ??
      new Intl.DateTimeFormat('en', {
        timeZone: zone,
        minute: 'numeric',
        hour: 'numeric',
        weekday: 'short',
        hourCycle: 'h23',
      });
    clocks.set(zone, clock);
    const parts = Object.fromEntries(clock.formatToParts(time).map(({ type, value }) => [type, value]));
    return {
      minute: Number(parts['minute']),
      hour: Number(parts['hour']),
      weekday: days.indexOf(parts['weekday'] ?? ''),
    };
  }

  it('are those that a look at the clock every minute finds, in order, none left out', () => {
    fc.assert(
      fc.property(patterns, zones, starts, (cron, zone, start) => {
        const [minutes = '', hours = '', , , weekdays = ''] = cron.split(' ');
        const looked: string[] = [];
        const first = Math.floor(start / 60_000) * 60_000 + 60_000;
        for (let n = 0; n < 24 * 60; n++) {
          const clock = shown(zone, first + n * 60_000);
          if (!names(minutes, clock.minute) || !names(hours, clock.hour)) continue;
          if (names(weekdays, clock.weekday)) looked.push(new Date(first + n * 60_000).toISOString());
        }
        const times = timesAfter({ cron, time_zone: zone }, new Date(first - 1).toISOString(), looked.length);
        expect(times).toEqual(looked);
      }),
      { numRuns: 60 },
    );
  });

  it('of fixed times of day come once a day, in order', () => {
    const fixed = fc.tuple(fc.nat(59), fc.nat(23)).map(([m, h]) => `${m} ${h} * * *`);
    fc.assert(
      fc.property(fixed, zones, starts, (cron, zone, start) => {
        const times = timesAfter({ cron, time_zone: zone }, new Date(start).toISOString(), 10);
        const milliseconds = times.map((time) => Date.parse(time));
        expect(milliseconds).toEqual([...milliseconds].sort((a, b) => a - b));
        const day = new Intl.DateTimeFormat('sv', { timeZone: zone, dateStyle: 'short' });
        expect(new Set(milliseconds.map((time) => day.format(time))).size).toBe(10);
      }),
    );
  });
});

describe('days that not every month has', () => {
  const inUtc = (cron: string): ScheduleTimes => ({ cron, time_zone: 'UTC' });

  it.each([
    ['the 31st', '0 0 31 * *', ['2026-01-31', '2026-03-31', '2026-05-31']],
    ['the last', '0 0 L * *', ['2026-01-31', '2026-02-28', '2026-03-31']],
    ['a leap day', '0 0 29 2 *', ['2028-02-29', '2032-02-29']],
    ['a day of the month or of the week', '0 0 31 * SUN', ['2026-01-25', '2026-01-31', '2026-02-01']],
  ])('%s comes in those that have it', (_, cron, days) => {
    const times = timesAfter(inUtc(cron), '2026-01-20T00:00:00Z', days.length);
    expect(times).toEqual(days.map((day) => `${day}T00:00:00.000Z`));
  });

  it('the last of a month is that of the zone', () => {
    expect(timesAfter(newYork('30 23 L * *'), '2026-02-01T12:00:00Z', 2)).toEqual([
      '2026-03-01T04:30:00.000Z',
      '2026-04-01T03:30:00.000Z',
    ]);
  });
});

describe('missed times', () => {
  const everySecond = { cron: '* * * * * *', time_zone: 'UTC' };
  const start = Date.UTC(2026, 0, 1);
  const second = (n: number): string => new Date(start + n * 1_000).toISOString();

  it('are all owed while they are few', () => {
    expect(missedTimes(everySecond, second(1), start + 3_500)).toEqual({
      times: [second(1), second(2), second(3)],
      next_fire_at: second(4),
    });
  });

  it('are owed when they are the newest, and the others are counted', () => {
    const { times, skipped, next_fire_at } = missedTimes(everySecond, second(1), start + 150_000);
    expect(times).toEqual(Array.from({ length: mostOwed }, (_, n) => second(51 + n)));
    expect(skipped).toEqual({ count: 50, first: second(1), last: second(50) });
    expect(next_fire_at).toBe(second(151));
  });

  it('of a time that comes once is that time, and none follows', () => {
    const times = { at: second(5), time_zone: 'UTC' };
    expect(missedTimes(times, second(5), start + 9_000)).toEqual({ times: [second(5)], next_fire_at: null });
  });

  it('however many: each is owed or counted once, and the newest are owed', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 3_000 }), (count) => {
        const now = start + count * 1_000;
        const owed: string[] = [];
        let skipped = 0;
        let next = second(1);
        while (Date.parse(next) <= now) {
          const missed = missedTimes(everySecond, next, now);
          if (missed.skipped !== undefined) {
            expect(missed.skipped.first).toBe(second(skipped + 1));
            skipped += missed.skipped.count;
            expect(missed.skipped.last).toBe(second(skipped));
          }
          owed.push(...missed.times);
          next = missed.next_fire_at ?? '';
        }
        expect(owed).toEqual(
          Array.from({ length: Math.min(count, mostOwed) }, (_, n) => second(skipped + 1 + n)),
        );
        expect(skipped + owed.length).toBe(count);
      }),
      { numRuns: 10 },
    );
  });
});

describe('a pattern', () => {
  it.each(['* * * * *', '*/5 0-6,22 * * MON-FRI', '0 0 L * *', '15 0 0 1 1 * 2030', '@daily'])(
    'is %s',
    (cron) => {
      expect(cronFault(cron)).toBeUndefined();
    },
  );

  it.each(['', '* * *', '61 * * * *', '2030-01-01T00:00:00', '@reboot', 'a b c d e', '* * * * * * * *'])(
    'is not %p',
    (cron) => {
      expect(cronFault(cron)).toEqual(expect.any(String));
    },
  );

  it('that never comes has no next time', () => {
    expect(nextTime({ cron: '0 0 30 2 *', time_zone: 'UTC' }, Date.UTC(2026, 0, 1))).toBeNull();
    expect(nextTime({ cron: '0 0 0 1 1 * 2020', time_zone: 'UTC' }, Date.UTC(2026, 0, 1))).toBeNull();
  });
});

it('a time zone has an IANA name', () => {
  expect(['UTC', 'Europe/Berlin', 'America/New_York'].map(isTimeZone)).toEqual([true, true, true]);
  expect(['', '+02:00', 'Mars/Olympus', 'Europe/Berlin '].map(isTimeZone)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
