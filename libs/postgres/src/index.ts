export * from './unavailable.js';
export * from './pool.js';
