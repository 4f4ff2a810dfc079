export * from './unavailable.js';
export * from './pool.js';
export * from './array.js';
export * from './listener.js';
