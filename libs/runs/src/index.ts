export * from './run.events.js';
export * from './run.decider.js';
export * from './run.projection.js';
export * from './find-run.js';
export * from './list-runs.js';
export * from './run.bodies.js';
export * from './run.policy.js';
export * from './runs.module.js';
