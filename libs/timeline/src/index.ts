export * from './timeline-event.js';
export * from './timeline.projection.js';
export * from './timeline.module.js';
export * from './session-feed.js';
export { watcherTable } from './watcher-seats.js';
