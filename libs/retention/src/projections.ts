export * from './retention.projection.js';
