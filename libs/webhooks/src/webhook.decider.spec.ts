import { describe, expect, test } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import {
  changeWebhook,
  createWebhook,
  deleteWebhook,
  disableWebhook,
  rotateSecret,
  webhookDecider,
} from './webhook.decider.js';
import type { WebhookBirth, WebhookDetails, WebhookFact } from './webhook.events.js';

const birth: WebhookBirth = {
  webhook_id: '019b7c9a-2f5e-7000-8000-000000000001',
  project_id: 'acme',
  url: 'https://example.com/hook',
  event_patterns: ['run.*'],
  enabled: true,
  secret_hint: '...abcd',
};
const created: WebhookFact = { type: 'WebhookCreated', data: birth };
const disabled: WebhookFact = { type: 'WebhookDisabled', data: { reason: 'gone' } };
const deleted: WebhookFact = { type: 'WebhookDeleted', data: {} };
const webhook = (...facts: WebhookFact[]) => given(webhookDecider, [created, ...facts]);

describe('making a webhook', () => {
  test('is written', () => {
    given(webhookDecider, [])
      .when((state) => createWebhook(state, birth))
      .then([created]);
  });
  test('that is there already is ignored', () => {
    webhook()
      .when((state) => createWebhook(state, birth))
      .then([]);
  });
});

describe('changing a webhook', () => {
  const details = { url: 'https://example.com/other', event_patterns: ['*'], filter: { kind: 'job' } };

  test('writes what differs, and nothing else', () => {
    webhook()
      .when((state) => changeWebhook(state, { ...details, event_patterns: ['run.*'], enabled: true }))
      .then([{ type: 'WebhookUpdated', data: { url: details.url, filter: details.filter } }]);
  });
  test('to what it is already is ignored', () => {
    webhook({ type: 'WebhookUpdated', data: details })
      .when((state) => changeWebhook(state, { ...details, description: null }))
      .then([]);
  });
  test('that the service disabled to enabled is written', () => {
    webhook(disabled)
      .when((state) => changeWebhook(state, { enabled: true }))
      .then([{ type: 'WebhookUpdated', data: { enabled: true } }]);
  });
  test('takes the reason why it was disabled away once somebody has switched it, and not before', () => {
    const expectReason = (data: WebhookDetails, reason: string | null): void => {
      webhook(disabled, { type: 'WebhookUpdated', data })
        .when((state) => {
          expect(state?.disabled_reason).toBe(reason);
          return [];
        })
        .then([]);
    };
    expectReason({ url: details.url }, 'gone');
    expectReason({ enabled: true }, null);
    expectReason({ enabled: false }, null);
  });
  test('expects the revision that counts its changes', () => {
    const enable = { enabled: true };
    webhook(disabled)
      .when((state) => changeWebhook(state, enable, 2))
      .then([{ type: 'WebhookUpdated', data: enable }]);
    webhook(disabled)
      .when((state) => changeWebhook(state, enable, 1))
      .thenRefused('revision_mismatch');
  });
  test('that is none, or none any more, is refused', () => {
    given(webhookDecider, [])
      .when((state) => changeWebhook(state, details))
      .thenRefused('not_found');
    webhook(deleted)
      .when((state) => changeWebhook(state, details))
      .thenRefused('not_found');
  });
});

describe('rotating the secret', () => {
  test('is written with what the new one ends with', () => {
    webhook()
      .when((state) => rotateSecret(state, '...efgh'))
      .then([{ type: 'WebhookSecretRotated', data: { secret_hint: '...efgh' } }]);
  });
  test('of a deleted webhook is refused', () => {
    webhook(deleted)
      .when((state) => rotateSecret(state, '...efgh'))
      .thenRefused('not_found');
  });
});

describe('giving a destination up', () => {
  test('is written', () => {
    webhook()
      .when((state) => disableWebhook(state, 'gone'))
      .then([disabled]);
  });
  test.each([[[disabled]], [[deleted]]])('is ignored after %j', (facts) => {
    webhook(...facts)
      .when((state) => disableWebhook(state, 'gone'))
      .then([]);
  });
});

describe('deleting a webhook', () => {
  test('is written', () => {
    webhook()
      .when((state) => deleteWebhook(state))
      .then([deleted]);
  });
  test('at another revision, or a second time, is refused', () => {
    webhook()
      .when((state) => deleteWebhook(state, 7))
      .thenRefused('revision_mismatch');
    webhook(deleted)
      .when((state) => deleteWebhook(state))
      .thenRefused('not_found');
  });
});
