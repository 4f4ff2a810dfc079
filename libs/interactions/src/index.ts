export * from './interaction.events.js';
export * from './interaction.decider.js';
export * from './interaction.bodies.js';
export * from './interaction.policy.js';
export * from './interaction.projection.js';
export * from './interaction-sweeper.js';
export * from './interactions.module.js';
export * from './list-interactions.js';
