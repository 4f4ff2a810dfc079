export * from './event.js';
export * from './event-store.js';
export * from './decider.js';
export * from './upcasting.js';
export * from './ids.js';
export * from './causation.js';
export * from './streams.js';
export * from './shallow-merge.js';
