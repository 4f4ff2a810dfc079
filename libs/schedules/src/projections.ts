export * from './schedule.projection.js';
