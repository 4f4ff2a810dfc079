export * from './timeline-event.js';
