import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { StoreUnavailable } from '#eventsourcing';
import type { Database } from '#read-models';
import { AccessLog, type Access } from './access-log.js';

const access = (n: number): Access => ({
  at: n,
  project_id: 'default',
  principal_id: undefined,
  method: 'GET',
  route: '/v1/runs',
  resource_id: undefined,
  status: 200,
  code: undefined,
  request_id: String(n),
});

let stored: string[];
let down: boolean;
let log: AccessLog;

beforeEach(() => {
  jest.useFakeTimers();
  stored = [];
  down = false;
  const database = {
    prepared: (_name: string, _text: string, values: readonly unknown[]) => {
      if (down) return Promise.reject(new StoreUnavailable('down'));
      stored.push(...String(values.at(-1)).slice(1, -1).split(','));
      return Promise.resolve([]);
    },
  };
  log = new AccessLog(database as unknown as Database);
});
afterEach(() => {
  jest.useRealTimers();
});

const record = (count: number): void => {
  for (let n = 0; n < count; n++) log.record(access(n));
};
const ids = (count: number): string[] => Array.from({ length: count }, (_, n) => String(n));

describe('the log of accesses', () => {
  it('is stored within a second, in order', async () => {
    record(3);
    expect(stored).toEqual([]);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(stored).toEqual(ids(3));
  });

  it('is stored at once when a thousand wait', async () => {
    record(2_500);
    await jest.advanceTimersByTimeAsync(0);
    expect(stored).toEqual(ids(2_500));
  });

  it('is stored when it is asked for, and nothing twice', async () => {
    record(1_500);
    await Promise.all([log.flush(), log.flush(), jest.advanceTimersByTimeAsync(2_000)]);
    expect(stored).toEqual(ids(1_500));
  });

  it('is kept while the database is away, and stored when it is back', async () => {
    down = true;
    record(10);
    await jest.advanceTimersByTimeAsync(5_000);
    await expect(log.flush()).rejects.toThrow(StoreUnavailable);
    record(1);
    down = false;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(stored).toEqual([...ids(10), '0']);
  });

  it('lets requests wait when too many records do, and turns them away after five seconds', async () => {
    down = true;
    expect(log.room()).toBeUndefined();
    record(20_000);
    const turnedAway = expect(log.room()).rejects.toThrow(StoreUnavailable);
    await jest.advanceTimersByTimeAsync(5_000);
    await turnedAway;
    const entered = expect(log.room()).resolves.toBeUndefined();
    down = false;
    await jest.advanceTimersByTimeAsync(1_000);
    await entered;
    expect(stored).toEqual(ids(20_000));
  });
});
