import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import type { RecordedEvent } from '#eventsourcing';
import { isEventType } from '#runs';
import { timelineEvent, timelineStreams } from './timeline-event.js';

const folder = join(import.meta.dirname, '../../../test/fixtures/events');
const stored = readdirSync(folder)
  .map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as RecordedEvent)
  .filter(({ stream }) => timelineStreams.some((prefix) => stream.startsWith(prefix)));
const session = '01990000-0000-7000-8000-000000000001';

test.each(stored.map((event) => [event.type, event] as const))(
  '%s stands in a timeline under a type of the API, or in none',
  (type, event) => {
    const told = timelineEvent(event, session);
    if (type === 'SessionRunClaimed') expect(told).toBeUndefined();
    else expect(isEventType(told?.type ?? '')).toBe(true);
  },
);

test('what a worker tells stands there as it was told, under the id that it gave', () => {
  const event = stored.find(({ type }) => type === 'RunEventRecorded') as RecordedEvent;
  expect(timelineEvent(event, session)).toEqual({
    id: '01990000-0000-7000-8000-0000000000e1',
    type: 'message.output.completed',
    run_id: '01990000-0000-7000-8000-000000000003',
    session_id: session,
    created_at: '2026-01-02T03:04:05.678Z',
    actor: '01990000-0000-8000-8000-00000000000b',
    data: { text: 'Done.', usage: { input_tokens: 10, cost_usd: 0.25 } },
  });
});

test('a lease is told without the id that only its worker knows', () => {
  const told = stored.map((event) => timelineEvent(event)?.data);
  expect(JSON.stringify(told)).toContain('"expires_at"');
  expect(JSON.stringify(told)).not.toContain('lease_id');
});

test('the ids of where it stands are told once, not in its data', () => {
  for (const event of stored) {
    const data = timelineEvent(event)?.data ?? {};
    expect(data).not.toHaveProperty('run_id');
    expect(data).not.toHaveProperty('session_id');
    expect(data).not.toHaveProperty('behind');
  }
});
