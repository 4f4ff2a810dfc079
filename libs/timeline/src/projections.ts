export * from './timeline-event.js';
export * from './timeline.projection.js';
