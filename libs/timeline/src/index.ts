export * from './projections.js';
export * from './timeline.module.js';
export * from './session-feed.js';
export { watcherTable } from './watcher-seats.js';
