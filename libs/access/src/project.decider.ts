import type { Decider } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import { defaultProject, type ProjectFact } from './project.events.js';

/** A project as its stream tells it, with the project of the admin who made it; undefined when there is none. */
export type ProjectState = { readonly made_by: string } | undefined;

export const projectDecider: Decider<ProjectState, ProjectFact> = {
  initial: undefined,
  evolve: (_project, _fact, { metadata }) => ({ made_by: metadata.project }),
};

/** Makes a project under an id that nobody has. @throws RuleViolation project_exists */
export function createProject(project: ProjectState, id: string, name: string): ProjectFact[] {
  if (project !== undefined || id === defaultProject) {
    throw new RuleViolation('project_exists', `there is a project ${id} already`);
  }
  return [{ type: 'ProjectCreated', data: { project_id: id, name } }];
}

/**
 * Whose keys an admin may make, see and revoke: those of its own project and of the projects made
 * from there; an admin of `default` those of all. To anyone else a project does not exist.
 */
export function manages(adminsProject: string, id: string, project: ProjectState): boolean {
  if (id !== defaultProject && project === undefined) return false;
  return adminsProject === defaultProject || adminsProject === id || project?.made_by === adminsProject;
}
