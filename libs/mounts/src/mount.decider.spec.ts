import { describe, it } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { archiveMount, changeMount, createMount, mountDecider } from './mount.decider.js';
import type { MountFact } from './mount.events.js';

const birth = {
  mount_id: 'm',
  project_id: 'default',
  session_id: 's',
  user_id: 'ann',
  slug: 'work',
  uri: 's3://bucket/work',
  read_only: false,
  metadata: { a: 1 },
};
const created: MountFact = { type: 'MountCreated', data: birth };
const archived: MountFact = { type: 'MountArchived', data: {} };
const after = (...facts: MountFact[]) => given(mountDecider, facts);

describe('creating', () => {
  it('written: once', () => {
    after()
      .when((mount) => createMount(mount, birth))
      .then([created]);
  });

  it('ignored: a second time', () => {
    after(created)
      .when((mount) => createMount(mount, birth))
      .then([]);
  });
});

describe('changing', () => {
  it('written: what differs', () => {
    after(created)
      .when((mount) => changeMount(mount, { name: 'n', read_only: false, metadata: { a: null } }))
      .then([{ type: 'MountUpdated', data: { name: 'n', metadata: { a: null } } }]);
  });

  it('ignored: what is as it was', () => {
    after(created)
      .when((mount) => changeMount(mount, { uri: birth.uri, metadata: { a: 1, b: null } }))
      .then([]);
  });

  it('refused: what would make the metadata too large', () => {
    after({ ...created, data: { ...birth, metadata: { a: 'x'.repeat(40_000) } } })
      .when((mount) => changeMount(mount, { metadata: { b: 'x'.repeat(40_000) } }))
      .thenRefused('validation_failed', { pointer: '/metadata' });
  });

  it('refused: of none', () => {
    after()
      .when((mount) => changeMount(mount, { name: 'n' }))
      .thenRefused('not_found');
  });

  it('expected revision: compared', () => {
    after(created)
      .when((mount) => changeMount(mount, { name: 'n' }, 1))
      .then([{ type: 'MountUpdated', data: { name: 'n' } }]);
    after(created)
      .when((mount) => changeMount(mount, { name: 'n' }, 2))
      .thenRefused('revision_mismatch');
    after(created, archived)
      .when((mount) => archiveMount(mount, false, 2))
      .then([{ type: 'MountUnarchived', data: {} }]);
  });
});

describe('archiving', () => {
  it('written: and taken back', () => {
    after(created)
      .when((mount) => archiveMount(mount, true))
      .then([archived]);
    after(created, archived)
      .when((mount) => archiveMount(mount, false))
      .then([{ type: 'MountUnarchived', data: {} }]);
  });

  it('ignored: a second time', () => {
    after(created, archived)
      .when((mount) => archiveMount(mount, true))
      .then([]);
    after(created)
      .when((mount) => archiveMount(mount, false))
      .then([]);
  });
});
