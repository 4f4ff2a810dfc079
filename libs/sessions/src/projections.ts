export * from './process-counts.js';
export * from './session.projection.js';
export * from './budgeted-sessions.js';
