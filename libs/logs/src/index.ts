export * from './log.events.js';
export * from './log.decider.js';
export * from './log-changes.decider.js';
export * from './projections.js';
export * from './logs.module.js';
export * from './retained-logs.js';
export * from './log-reader.js';
