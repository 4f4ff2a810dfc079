export * from './transcript.events.js';
export * from './transcript.decider.js';
export * from './transcript-seeds.events.js';
export * from './transcript-seeds.decider.js';
export * from './transcript.policy.js';
export * from './transcript.projection.js';
export * from './transcripts.module.js';
