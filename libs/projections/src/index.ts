export { ProjectionResource } from './projection.resource.js';
export * from './projections.module.js';
