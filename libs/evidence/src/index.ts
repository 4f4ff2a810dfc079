export * from './merkle.js';
export * from './evidence-line.js';
export * from './signing.js';
export * from './export-files.js';
export * from './finding.js';
export * from './read-lines.js';
export * from './verify-export.js';
