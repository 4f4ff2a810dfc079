export * from './webhook.events.js';
export * from './webhook.decider.js';
export * from './webhook.policy.js';
export * from './projections.js';
export * from './webhook.tables.js';
export * from './webhook-sender.js';
export * from './webhook-settings.js';
export * from './webhooks.module.js';
export { moveHorizon } from './outbox.js';
