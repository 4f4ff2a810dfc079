import type { Fact } from '#eventsourcing';

export type ProjectCreated = Fact<'ProjectCreated', { readonly project_id: string; readonly name: string }>;

/** The facts of a stream `project-<slug>`. */
export type ProjectFact = ProjectCreated;

/** The project that was always there: no event made it. */
export const defaultProject = 'default';

export const projectStreams = 'project-';
export const projectStream = (id: string): string => `${projectStreams}${id}`;

/** The form of a project's id. */
export const projectSlug = /^[a-z0-9][a-z0-9-]{0,62}$/;
