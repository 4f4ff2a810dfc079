import { derivedUuid, type Principal } from '#eventsourcing';
import { defaultProject } from './project.events.js';

/** The first admin, whose key is a setting and has no stream. */
export const bootstrapPrincipal: Principal = {
  principalId: derivedUuid('bootstrap', 'principal'),
  userId: derivedUuid('bootstrap', 'user'),
  projectId: defaultProject,
  role: 'admin',
};
