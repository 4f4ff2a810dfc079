import { describe, expect, test } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { createProject, manages, projectDecider } from './project.decider.js';
import type { ProjectCreated } from './project.events.js';

const created: ProjectCreated = { type: 'ProjectCreated', data: { project_id: 'acme', name: 'Acme' } };

describe('making a project', () => {
  test('under a free id is written', () => {
    given(projectDecider, [])
      .when((project) => createProject(project, 'acme', 'Acme'))
      .then([created]);
  });

  test('under a taken id is refused', () => {
    given(projectDecider, [created])
      .when((project) => createProject(project, 'acme', 'Another'))
      .thenRefused('project_exists');
  });

  test('under the id of the project that was always there is refused', () => {
    given(projectDecider, [])
      .when((project) => createProject(project, 'default', 'Mine'))
      .thenRefused('project_exists');
  });
});

describe('an admin manages', () => {
  test.each([
    ['default', 'default', undefined, true],
    ['default', 'acme', { made_by: 'other' }, true],
    ['acme', 'acme', { made_by: 'default' }, true],
    ['acme', 'acme-labs', { made_by: 'acme' }, true],
    ['acme', 'other', { made_by: 'default' }, false],
    ['acme', 'default', undefined, false],
    ['default', 'nowhere', undefined, false],
    ['nowhere', 'nowhere', undefined, false],
  ])('from %p the project %p (%p): %p', (adminsProject, id, project, expected) => {
    expect(manages(adminsProject, id, project)).toBe(expected);
  });
});
