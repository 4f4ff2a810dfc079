import { describe, expect, test } from '@jest/globals';
import { arePatterns, matchesFilter, matchesPattern, splitPatterns } from './subscription.js';

describe('a pattern', () => {
  test.each([
    ['*', 'run.created', true],
    ['*', 'x.mine', true],
    ['run.*', 'run.completed', true],
    ['run.*', 'session.created', false],
    ['tool_call.arguments.*', 'tool_call.arguments.delta', true],
    ['tool_call.arguments.*', 'tool_call.started', false],
    ['run.completed', 'run.completed', true],
    ['run.completed', 'run.failed', false],
    ['user', 'user', true],
    ['x.*', 'x.mine', true],
    ['x.a.*', 'x.ab', false],
    ['x.mine', 'x.mine.too', false],
  ])('%s names %s: %p', (pattern, type, named) => {
    expect(matchesPattern([pattern], type)).toBe(named);
  });

  test('of several, one is enough', () => {
    expect(matchesPattern(['run.failed', 'session.*'], 'session.deleted')).toBe(true);
  });

  test.each(['run.completed, run.failed', '*', 'x.*', 'x.my-own.event', 'tool_call.arguments.*'])(
    'can be written %p',
    (text) => {
      expect(arePatterns(splitPatterns(text))).toBe(true);
    },
  );

  test.each(['', 'run', 'run.', 'run.exploded', 'ru*', '*.completed', 'run.*,', 'RUN.*', 'run.**', ' , '])(
    'cannot be written %p',
    (text) => {
      expect(arePatterns(splitPatterns(text))).toBe(false);
    },
  );

  test.each([[[]], [[1]], [null], [{}], [Array.from({ length: 51 }, () => '*')]])(
    'comes in a list of 1 to 50: not %p',
    (value) => {
      expect(arePatterns(splitPatterns(value))).toBe(false);
    },
  );
});

describe('a filter', () => {
  const subject = { type: 'run.completed', run_id: 'r', session_id: 's', source: 'cron', kind: 'job' };

  test.each([
    [null, true],
    [{}, true],
    [{ session_id: 's' }, true],
    [{ session_id: 't' }, false],
    [{ run_id: 'r', source: 'cron', kind: 'job', status: 'completed' }, true],
    [{ run_id: 'r', source: 'other' }, false],
    [{ kind: 'turn' }, false],
    [{ status: 'failed' }, false],
  ])('%p holds: %p', (filter, holds) => {
    expect(matchesFilter(filter, subject)).toBe(holds);
  });

  test('of a status holds for the event by which the run came to it, and for no other', () => {
    expect(matchesFilter({ status: 'pending' }, { type: 'run.created' })).toBe(true);
    expect(matchesFilter({ status: 'running' }, { type: 'run.updated' })).toBe(false);
  });

  test('names nothing that an event of no run has', () => {
    const created = { type: 'session.created', session_id: 's' };
    expect(matchesFilter({ session_id: 's' }, created)).toBe(true);
    expect(matchesFilter({ session_id: 's', kind: 'job' }, created)).toBe(false);
  });
});
