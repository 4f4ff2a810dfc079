export * from './exports.module.js';
