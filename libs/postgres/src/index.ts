export * from './unavailable.js';
export * from './pool.js';
export * from './arrays.js';
export * from './listener.js';
export * from './vacuum.js';
export * from './gathering-socket.js';
export * from './background.js';
export * from './notified-turns.js';
