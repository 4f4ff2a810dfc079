export * from './timeline.projection.js';
export * from './timeline.module.js';
