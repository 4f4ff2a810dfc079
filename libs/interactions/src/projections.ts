export * from './interaction.projection.js';
export * from './open-interactions.js';
