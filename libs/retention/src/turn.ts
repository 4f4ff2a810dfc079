/**
 * Under this name holds of a project are placed, and batches and segments removed, one after the other: once a hold
 * is acknowledged, nothing that it covers is on its way out.
 */
export const turnOf = (project: string): string => `retention ${project}`;
