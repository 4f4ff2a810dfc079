import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { type Fact, fold, type RecordedEvent, Upcasters } from '#eventsourcing';
import { webhookDecider, type WebhookState } from './webhook.decider.js';
import type { WebhookFact } from './webhook.events.js';

const folder = join(import.meta.dirname, '../../../test/fixtures/events');
const upcasters = new Upcasters();
const stored = (type: string): RecordedEvent =>
  upcasters.upcast(JSON.parse(readFileSync(join(folder, `${type}.v1.json`), 'utf8')) as RecordedEvent);
const declared = [
  ...readFileSync(join(import.meta.dirname, 'webhook.events.ts'), 'utf8').matchAll(/\bFact<\s*'(\w+)'/g),
].map(([, type = '']) => type);

test.each(declared)('%s has a fixture of its newest shape', (type) => {
  expect(readdirSync(folder)).toContain(`${type}.v${upcasters.version(type)}.json`);
});

const at = '2026-01-02T03:04:05.678Z';
const created: WebhookState = {
  id: '01990000-0000-7000-8000-0000000000f1',
  project_id: 'default',
  url: 'https://example.com/hook',
  description: 'tells the build',
  event_patterns: ['run.*', 'x.built'],
  filter: { source: 'ci', kind: 'job' },
  enabled: true,
  disabled_reason: null,
  secret_hint: '...abcd',
  created_at: at,
  updated_at: at,
  revision: 1,
};

test.each<[WebhookFact['type'], Partial<WebhookState> | undefined]>([
  ['WebhookCreated', {}],
  [
    'WebhookUpdated',
    {
      url: 'https://example.com/other',
      description: null,
      event_patterns: ['*'],
      filter: null,
      enabled: false,
      revision: 2,
    },
  ],
  ['WebhookSecretRotated', { secret_hint: '...efgh', revision: 2 }],
  ['WebhookDisabled', { enabled: false, disabled_reason: 'the destination answered 410 Gone', revision: 2 }],
  ['WebhookDeleted', undefined],
])('%s, as it was stored, still means the same', (type, change) => {
  const events = [...new Set(['WebhookCreated', type])].map(stored);
  expect(fold(webhookDecider, events)).toEqual(change && { ...created, ...change });
  expect((events.at(-1) as Fact).type).toBe(type);
});
