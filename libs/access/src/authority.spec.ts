import { beforeEach, describe, expect, it } from '@jest/globals';
import { byService, Streams } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { apiKeyDecider, createApiKey, revokeApiKey } from './api-key.decider.js';
import { apiKeyStream } from './api-key.events.js';
import { Authority } from './authority.js';
import { bootstrapPrincipal } from './bootstrap-principal.js';

const id = '01990000-0000-7000-8000-000000000001';
const expiry = Date.parse('2030-01-01T00:00:00Z');
const ann = { principalId: id, projectId: 'default', userId: 'ann', role: 'user' };

let streams: Streams;
let authority: Authority;
beforeEach(async () => {
  streams = new Streams(new MemoryEventStore());
  authority = new Authority(streams);
  const birth = {
    ...{ api_key_id: id, name: 'of ann', project_id: 'default', role: 'user' as const, user_id: 'ann' },
    ...{ hash: '', prefix: '', expires_at: new Date(expiry).toISOString() },
  };
  await streams.execute(apiKeyDecider, apiKeyStream(id), byService('default'), (key) =>
    createApiKey(key, birth, '2026-01-01T00:00:00Z'),
  );
});

describe('who asked for something earlier', () => {
  it('may do by now what its key may', async () => {
    expect(await authority.principal(id, expiry - 1)).toEqual(ann);
    const { principalId } = bootstrapPrincipal;
    expect(await authority.principal(principalId, expiry)).toEqual(bootstrapPrincipal);
  });

  it('may do nothing any more once its key has expired, was revoked, or when there is none', async () => {
    expect(await authority.principal(id, expiry)).toBeUndefined();
    expect(await authority.principal('another', 0)).toBeUndefined();
    await streams.execute(apiKeyDecider, apiKeyStream(id), byService('default'), (key) =>
      revokeApiKey(key, id),
    );
    expect(await authority.principal(id, expiry - 1)).toBeUndefined();
  });
});
