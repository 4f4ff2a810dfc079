export * from './run.events.js';
export * from './run.projection.js';
