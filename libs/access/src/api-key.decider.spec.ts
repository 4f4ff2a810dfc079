import { describe, test } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { apiKeyDecider, createApiKey, revokeApiKey } from './api-key.decider.js';
import type { ApiKeyCreated, ApiKeyFact } from './api-key.events.js';

const id = '0190c0de-0000-7000-8000-000000000001';
const now = '2026-01-02T03:04:05.678Z';
const birth = (expires_at?: string): ApiKeyCreated['data'] => ({
  api_key_id: id,
  name: 'build agent',
  project_id: 'default',
  role: 'worker',
  user_id: '0190c0de-0000-7000-8000-000000000002',
  hash: 'ab'.repeat(32),
  prefix: 'rl_abc',
  ...(expires_at !== undefined && { expires_at }),
});
const created = { type: 'ApiKeyCreated', data: birth() } as ApiKeyFact;
const revoked = { type: 'ApiKeyRevoked', data: { api_key_id: id } } as ApiKeyFact;

describe('making a key', () => {
  test.each([undefined, '2026-01-02T03:04:05.679Z'])('that expires at %p is written', (expires_at) => {
    given(apiKeyDecider, [])
      .when((key) => createApiKey(key, birth(expires_at), now))
      .then([{ type: 'ApiKeyCreated', data: birth(expires_at) }]);
  });

  test('that is there already is ignored', () => {
    given(apiKeyDecider, [created])
      .when((key) => createApiKey(key, birth(), now))
      .then([]);
  });

  test.each([now, '2026-01-01T00:00:00.000Z'])('that expired at %p is refused', (expires_at) => {
    given(apiKeyDecider, [])
      .when((key) => createApiKey(key, birth(expires_at), now))
      .thenRefused('validation_failed');
  });
});

describe('revoking a key', () => {
  test('is written', () => {
    given(apiKeyDecider, [created])
      .when((key) => revokeApiKey(key, id))
      .then([revoked]);
  });

  test('a second time is ignored', () => {
    given(apiKeyDecider, [created, revoked])
      .when((key) => revokeApiKey(key, id))
      .then([]);
  });

  test('that never was is refused', () => {
    given(apiKeyDecider, [])
      .when((key) => revokeApiKey(key, id))
      .thenRefused('not_found');
  });
});
