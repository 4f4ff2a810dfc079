import type { Principal, Role } from '#eventsourcing';

/** Who may read: everyone; of what they then see, `visible` decides. */
export const readers = ['viewer', 'user', 'worker', 'auditor', 'operator', 'admin'] as const;
/** Who creates, changes and cancels. */
export const writers = ['user', 'worker', 'operator', 'admin'] as const;
/** Who takes runs to execute them. */
export const workers = ['worker', 'operator', 'admin'] as const;
/** Who takes content away for good: of those who change things, all but the workers. */
export const redactors = ['user', 'operator', 'admin'] as const;
/** Who reads the audit and the whole project's feed. */
export const auditors = ['auditor', 'operator', 'admin'] as const;
export const admins = ['admin'] as const;

export const roles: readonly Role[] = readers;

const restricted: readonly Role[] = ['viewer', 'user'];

/** Whether the caller reaches what belongs to any user of its project, and not only to its own. */
export const seesAllUsers = ({ role }: Principal): boolean => !restricted.includes(role);

/** Whether a resource exists for the caller; what does not is 404, never 403. */
export const visible = (
  principal: Principal,
  resource: { readonly project_id: string; readonly user_id: string },
): boolean =>
  resource.project_id === principal.projectId &&
  (resource.user_id === principal.userId || seesAllUsers(principal));
