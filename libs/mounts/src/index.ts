export * from './mount.events.js';
export * from './mount.decider.js';
export * from './mount.bodies.js';
export * from './projections.js';
export * from './mount.resource.js';
export * from './mounts.js';
export * from './mounts.module.js';
