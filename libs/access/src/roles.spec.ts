import { expect, test } from '@jest/globals';
import type { Role } from '#eventsourcing';
import { visible } from './roles.js';

const caller = (role: Role) => ({ principalId: 'p', projectId: 'acme', userId: 'me', role });
const everyone: Role[] = ['viewer', 'user', 'worker', 'auditor', 'operator', 'admin'];

test.each(everyone)('a %s sees what belongs to its user', (role) => {
  expect(visible(caller(role), { project_id: 'acme', user_id: 'me' })).toBe(true);
});

test.each<[Role, boolean]>([
  ['viewer', false],
  ['user', false],
  ['worker', true],
  ['auditor', true],
  ['operator', true],
  ['admin', true],
])("whether a %s sees another user's: %p", (role, sees) => {
  expect(visible(caller(role), { project_id: 'acme', user_id: 'other' })).toBe(sees);
});

test.each(everyone)('a %s sees nothing of another project, not even of its own user', (role) => {
  expect(visible(caller(role), { project_id: 'other', user_id: 'me' })).toBe(false);
});
