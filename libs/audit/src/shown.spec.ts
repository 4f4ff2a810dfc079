import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { Principal, RecordedEvent } from '#eventsourcing';
import { transcriptSeedsStream } from '#transcripts';
import { processKeyStream } from '../../processes/src/process-key.events.js';
import { seesInstance, shownIn } from './shown.js';

const folder = join(import.meta.dirname, '../../../test/fixtures/events');
const stored = readdirSync(folder).map(
  (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as RecordedEvent,
);

test('all events of a project are shown in it but those that are keys, and in no other', () => {
  const hidden = stored.filter((event) => !shownIn(event.metadata.project)(event));
  expect(hidden.map(({ type }) => type)).toEqual(['ProcessKeyMade', 'TranscriptSeedsReplaced']);
  expect(stored.filter(shownIn('another'))).toEqual([]);
});

test.each([processKeyStream('env', 'a'), processKeyStream('input', 'a'), transcriptSeedsStream('a')])(
  '%s is a stream of keys',
  (stream) => {
    const [event] = stored as [RecordedEvent];
    expect(shownIn(event.metadata.project)({ ...event, stream })).toBe(false);
  },
);

test.each([
  ['admin', 'default', true],
  ['admin', 'other', false],
  ['operator', 'default', false],
  ['auditor', 'default', false],
] as const)('a caller with the role %s in the project %s sees all projects: %j', (role, projectId, sees) => {
  const principal: Principal = { principalId: 'a', userId: 'ann', role, projectId };
  expect(seesInstance(principal)).toBe(sees);
});
