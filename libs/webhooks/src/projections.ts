export * from './webhook-rows.js';
