import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { BadRequestException } from '@nestjs/common';
import {
  AppendTooLarge,
  NotBuiltYet,
  RevisionConflict,
  RuleViolation,
  StoreUnavailable,
} from '#eventsourcing';
import { catalogue } from './problem.catalogue.js';
import { ProblemError, problemOf } from './problems.js';

test('docs/problems.md and the catalogue say the same', () => {
  const rows = readFileSync('docs/problems.md', 'utf8').matchAll(
    /^\| `(\w+)` *\| (\d+) *\| (yes|no) *\| (.+?) *\| (.+?) *\|$/gm,
  );
  const described = Array.from(rows, ([, code, status, retryable, meaning, advice]) => {
    expect(advice).not.toBe('');
    return { code, status: Number(status), retryable: retryable === 'yes', meaning };
  });
  expect(described).toEqual(
    Object.entries(catalogue).map(([code, { status, retryable, meaning }]) => ({
      code,
      status,
      retryable,
      meaning,
    })),
  );
});

test('a broken rule keeps its code, detail and further members', () => {
  const problem = problemOf(new RuleViolation('producer_gap', 'expected 3', { expected_seq: 3 }), false);
  expect(problem).toMatchObject({
    code: 'producer_gap',
    detail: 'expected 3',
    options: { extra: { expected_seq: 3 } },
  });
});

test('a broken rule about one field of the request names it in a row', () => {
  const problem = problemOf(new RuleViolation('validation_failed', 'x is over', { pointer: '/x' }), false);
  expect(problem).toMatchObject({ options: { extra: {}, errors: [{ pointer: '/x', detail: 'x is over' }] } });
});

test('a broken rule whose code is not in the catalogue is our own fault', () => {
  expect(problemOf(new RuleViolation('toString', 'x'), false)).toBeUndefined();
});

test.each([
  ['with If-Match', true, 'revision_mismatch'],
  ['without', false, 'revision_conflict'],
])('a lost race %s', (_name, conditional, code) => {
  expect(problemOf(new RevisionConflict('run-1', 3), conditional)).toMatchObject({ code });
});

test.each([
  [1_048_576, 'The event store takes at most 1048576 bytes at once; send less in one request.'],
  [undefined, 'The event store takes less at once; send less in one request.'],
])('what is too large for the store is so for the client, who is told the limit %p', (limit, detail) => {
  expect(problemOf(new AppendTooLarge(limit), false)).toMatchObject({ code: 'payload_too_large', detail });
});

test('a store that cannot be reached is unavailable', () => {
  expect(problemOf(new StoreUnavailable('x'), false)).toMatchObject({ code: 'store_unavailable' });
});

test('a read model that is not built yet is behind, and nothing is unreachable', () => {
  expect(problemOf(new NotBuiltYet('x'), false)).toMatchObject({ code: 'projection_lagging' });
});

test('what Nest and Fastify refuse is the fault of the client; any other error is ours', () => {
  expect(problemOf(new BadRequestException('x'), false)).toMatchObject({ code: 'bad_request' });
  expect(problemOf(new Error('SELECT 1'), false)).toBeUndefined();
  const own = new ProblemError('forbidden', 'x');
  expect(problemOf(own, false)).toBe(own);
});
