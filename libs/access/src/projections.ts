export * from './access.projection.js';
