export * from './transcript.projection.js';
