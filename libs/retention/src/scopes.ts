import { type Principal, referenced, RuleViolation, type Streams } from '#eventsourcing';
import { isUuid, ProblemError } from '#http';
import { findSession } from '#sessions';
import { type RetentionKind, retentionKinds, type RetentionScope } from './retention.events.js';

/** Who changes policies and holds, and has sweeps made. */
export const retentionManagers = ['operator', 'admin'] as const;

async function scopeOf(
  principal: Principal,
  word: string,
  find: (id: string) => Promise<unknown>,
): Promise<RetentionScope | undefined> {
  if (word === 'default') return { of: 'default' };
  if (word === 'project') return { of: 'project', id: principal.projectId };
  const id = word.startsWith('session:') ? word.slice('session:'.length) : '';
  if (!isUuid(id)) return undefined;
  await find(id);
  return { of: 'session', id };
}

/**
 * The scope that a word of a body names for a caller; undefined when it names none.
 * @throws RuleViolation unknown_reference: of a session that the caller cannot see
 */
export const scopeOfBody = (
  streams: Streams,
  principal: Principal,
  word: string,
): Promise<RetentionScope | undefined> =>
  scopeOf(principal, word, (id) => referenced(findSession(streams, principal, id), '/scope'));

/** The same of a path. @throws ProblemError not_found; RuleViolation not_found, session_deleted */
export async function scopeOfPath(
  streams: Streams,
  principal: Principal,
  word: string,
): Promise<RetentionScope> {
  const scope = await scopeOf(principal, word, (id) => findSession(streams, principal, id));
  if (scope === undefined) {
    throw new ProblemError('not_found', 'A scope is default, project, or session: and an id.');
  }
  return scope;
}

/** @throws ProblemError not_found */
export function kindOfPath(word: string): RetentionKind {
  const kind = retentionKinds.find((one) => one === word);
  if (kind !== undefined) return kind;
  throw new ProblemError('not_found', `A kind is one of ${retentionKinds.join(', ')}.`);
}

/** A policy that names its scope or kind names those of its path. @throws RuleViolation validation_failed */
export function expectAsInPath(
  body: { readonly scope?: string | null; readonly kind?: string | null },
  path: { readonly scope: string; readonly kind: string },
): void {
  for (const name of ['scope', 'kind'] as const) {
    if (body[name] == null || body[name] === path[name]) continue;
    const message = `${name} must be ${path[name]}, as in the path`;
    throw new RuleViolation('validation_failed', message, { pointer: `/${name}` });
  }
}

/** What holds for all projects is the business of the admins of the first. @throws ProblemError forbidden */
export function expectMayChange({ role, projectId }: Principal, scope: RetentionScope): void {
  if (scope.of !== 'default' || (role === 'admin' && projectId === 'default')) return;
  throw new ProblemError(
    'forbidden',
    'Only an admin of the project default changes what holds for all projects.',
  );
}
