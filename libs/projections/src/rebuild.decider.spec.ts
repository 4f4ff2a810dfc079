import { describe, expect, it, test } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { endRebuild, rebuildsDecider, remembered, requestRebuild } from './rebuild.decider.js';
import type { RebuildFact, RebuildRequested } from './rebuild.events.js';

const asked = (rebuild_id: string): RebuildRequested['data'] => ({
  rebuild_id,
  projection: 'runs',
  version: 3,
  mode: 'rebuild',
});
const requested = (id: string): RebuildFact => ({ type: 'RebuildRequested', data: asked(id) });
const completed = {
  type: 'RebuildCompleted',
  data: { rebuild_id: 'a', events: 7, milliseconds: 3 },
} as const;
const failed = { type: 'RebuildFailed', data: { rebuild_id: 'a', reason: 'no fold' } } as const;
const abandoned = { type: 'RebuildAbandoned', data: { rebuild_id: 'a' } } as const;

describe('asking for a rebuild', () => {
  test('is written', () => {
    given(rebuildsDecider, [])
      .when((state) => requestRebuild(state, asked('a')))
      .then([requested('a')]);
  });
  test('is refused while one is running', () => {
    given(rebuildsDecider, [requested('a')])
      .when((state) => requestRebuild(state, asked('b')))
      .thenRefused('already_running');
  });
  test.each([completed, failed, abandoned])('is possible once the one before has ended: $type', (end) => {
    given(rebuildsDecider, [requested('a'), end])
      .when((state) => requestRebuild(state, asked('b')))
      .then([requested('b')]);
  });
});

describe('the end of a rebuild', () => {
  test.each([completed, failed, abandoned])('is written: $type', (end) => {
    given(rebuildsDecider, [requested('a')])
      .when((state) => endRebuild(state, end))
      .then([end]);
  });
  test('is its only one', () => {
    given(rebuildsDecider, [requested('a'), abandoned])
      .when((state) => endRebuild(state, completed))
      .then([]);
  });
  test('of one that nobody asked for is refused', () => {
    given(rebuildsDecider, [requested('b')])
      .when((state) => endRebuild(state, abandoned))
      .thenRefused('not_found');
  });
});

it('remembers the newest rebuilds, and no more', () => {
  const facts = Array.from({ length: remembered + 5 }, (_, n) => String(n)).flatMap((id): RebuildFact[] => [
    requested(id),
    { type: 'RebuildAbandoned', data: { rebuild_id: id } },
  ]);
  given(rebuildsDecider, facts)
    .when((state) => {
      expect([state.length, state[0]?.rebuild_id]).toEqual([remembered, '5']);
      return [];
    })
    .then([]);
});
