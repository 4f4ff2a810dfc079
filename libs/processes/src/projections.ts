export * from './processes.projection.js';
