export * from './log.projection.js';
