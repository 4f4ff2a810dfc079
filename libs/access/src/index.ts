export * from './roles.js';
export * from './allow.js';
export * from './key-ring.js';
export * from './authenticate.js';
export * from './access.projection.js';
export * from './access.module.js';
export * from './project.events.js';
export * from './api-key.events.js';
