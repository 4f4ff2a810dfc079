import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { byService, StoreUnavailable, Streams } from '#eventsourcing';
import type { Database } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { apiKeyDecider, createApiKey, revokeApiKey } from './api-key.decider.js';
import { apiKeyStream } from './api-key.events.js';
import { Authority } from './authority.js';
import { KeyRing } from './key-ring.js';
import { hashOf, mintSecret } from './secret.js';

const started = Date.parse('2026-01-02T03:04:05.000Z');
const { key, hash } = mintSecret();
const row = { id: 'k', expires_at: null as string | null };
const principal = { principalId: 'k', projectId: 'acme', userId: 'u', role: 'worker' };

/** Has the key made as its stream tells it. */
const made = ({ id = 'k', expires_at }: { id?: string; expires_at?: string }) =>
  streams.execute(apiKeyDecider, apiKeyStream(id), byService('acme'), (now) =>
    createApiKey(
      now,
      {
        ...{ api_key_id: id, name: 'k', project_id: 'acme', user_id: 'u', role: 'worker' as const },
        ...{ hash, prefix: '', ...(expires_at !== undefined && { expires_at }) },
      },
      '',
    ),
  );

/** The rows that the read model has, by hash, and what it was asked for. */
let rows: Map<string, typeof row>;
let asked: unknown[];
let ring: KeyRing;
let streams: Streams;

beforeEach(async () => {
  jest.useFakeTimers({ now: started });
  streams = new Streams(new MemoryEventStore());
  await made({});
  rows = new Map([[hash, row]]);
  asked = [];
  const prepared = (_name: string, _text: string, [wanted]: readonly unknown[]) => {
    asked.push(wanted);
    const found = rows.get(String(wanted));
    return Promise.resolve(found === undefined ? [] : [found]);
  };
  ring = new KeyRing({ prepared } as unknown as Database, new Authority(streams), 'the-bootstrap-key');
});

afterEach(() => {
  jest.useRealTimers();
});

test('the bootstrap key is an admin of default, and no query', async () => {
  expect(await ring.whose('the-bootstrap-key')).toMatchObject({ projectId: 'default', role: 'admin' });
  expect(asked).toEqual([]);
});

test('what cannot be a key of ours is unknown, and no query', () => {
  expect(ring.whose('guess')).toBeUndefined();
  expect(asked).toEqual([]);
});

test('a key is looked up by its hash, once for all who come with it at one moment', async () => {
  expect(await Promise.all([ring.whose(key), ring.whose(key)])).toEqual([principal, principal]);
  expect(asked).toEqual([hashOf(key)]);
});

test('a database that hangs is one that does not answer, and is asked again', async () => {
  const hangs = jest.fn(() => new Promise<never>(() => undefined));
  const waiting = new KeyRing(
    { prepared: hangs } as unknown as Database,
    new Authority(streams),
    'the-bootstrap-key',
  );
  for (let n = 1; n < 3; n++) {
    const refused = expect(waiting.whose(key)).rejects.toThrow(StoreUnavailable);
    await jest.runAllTimersAsync();
    await refused;
    expect(hangs).toHaveBeenCalledTimes(n);
  }
});

describe('what was found', () => {
  test('is believed for half a second, so that a revoked key is refused within one', async () => {
    await ring.whose(key);
    rows.clear();
    jest.setSystemTime(started + 499);
    expect(ring.whose(key)).toEqual(principal);
    jest.setSystemTime(started + 500);
    expect(await ring.whose(key)).toBeUndefined();
  });

  test('is believed no longer, though the read model does not know yet that the key was revoked', async () => {
    await ring.whose(key);
    await streams.execute(apiKeyDecider, apiKeyStream('k'), byService('acme'), (now) =>
      revokeApiKey(now, 'k'),
    );
    jest.setSystemTime(started + 500);
    expect(await ring.whose(key)).toBeUndefined();
  });

  test('is believed no longer than the key lives', async () => {
    const expires_at = new Date(started + 100).toISOString();
    await made({ id: 'short', expires_at });
    rows.set(hash, { id: 'short', expires_at });
    expect(await ring.whose(key)).toEqual({ ...principal, principalId: 'short' });
    jest.setSystemTime(started + 99);
    expect(ring.whose(key)).toMatchObject({ principalId: 'short' });
    jest.setSystemTime(started + 100);
    expect(await ring.whose(key)).toBeUndefined();
  });

  test('is believed when it was nothing, too', async () => {
    rows.clear();
    await ring.whose(key);
    expect(ring.whose(key)).toBeUndefined();
    expect(asked).toHaveLength(1);
    rows.set(hash, row);
    jest.setSystemTime(started + 500);
    expect(await ring.whose(key)).toEqual(principal);
  });
});

test('a look-up that fails is not remembered', async () => {
  const failing = { prepared: () => Promise.reject(new Error('no database')) };
  const broken = new KeyRing(failing as unknown as Database, new Authority(streams), 'the-bootstrap-key');
  await expect(broken.whose(key)).rejects.toThrow('no database');
  failing.prepared = () => Promise.resolve([row]) as never;
  expect(await broken.whose(key)).toEqual(principal);
});
