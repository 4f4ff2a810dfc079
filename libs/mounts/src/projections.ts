export * from './mount.projection.js';
