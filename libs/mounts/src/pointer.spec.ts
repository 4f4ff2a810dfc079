import { expect, it } from '@jest/globals';
import { isPointer } from './pointer.js';

it.each([
  's3://bucket/some/key?versionId=1',
  'https://example.com/a#b',
  'file:///srv/work',
  'git+ssh://example.com/repo.git',
  'urn:uuid:01990000-0000-7000-8000-000000000001',
  'https://example.com/Zoë',
  `x:${'a'.repeat(2_046)}`,
])('%s is a pointer', (value) => {
  expect(isPointer(value)).toBe(true);
});

it.each([
  '',
  '/srv/work',
  'bucket/key',
  '//example.com/a',
  's3:',
  'https://ann@example.com/',
  'https://:secret@example.com/',
  'ssh://git:token@example.com/repo',
  'https://exa mple.com/',
  'https://example.com/\n',
  `x:${'a'.repeat(2_047)}`,
  7,
  null,
])('%p is none', (value) => {
  expect(isPointer(value)).toBe(false);
});
