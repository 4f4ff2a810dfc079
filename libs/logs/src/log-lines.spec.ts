import { describe, expect, test } from '@jest/globals';
import type { Fault } from '#http';
import { logLines, maxEntries } from './log-lines.js';

const arrival = '2026-01-02T03:04:05.678Z';

function checked(entries: unknown): { lines: unknown; faults: Fault[] } {
  const faults: Fault[] = [];
  const lines = logLines(entries, '/entries', arrival, faults);
  return { lines, faults };
}

describe('an entry', () => {
  test('gets the arrival time and stdout when it says nothing of them', () => {
    expect(checked([{ message: 'hello' }])).toEqual({
      lines: [{ ts: arrival, stream: 'stdout', message: 'hello' }],
      faults: [],
    });
  });

  test('takes null for absent', () => {
    const entry = { ts: null, stream: null, level: null, message: '', attributes: null };
    expect(checked([entry]).lines).toEqual([{ ts: arrival, stream: 'stdout', message: '' }]);
  });

  test('keeps all that it says', () => {
    const entry = { ts: arrival, stream: 'event', level: 'WARN', message: 'ä😀\n', attributes: { a: [{}] } };
    expect(checked([entry])).toEqual({ lines: [entry], faults: [] });
  });

  test.each([
    ['2026-01-01T00:30:00+02:00', '2025-12-31T22:30:00.000Z'],
    ['2026-01-01t00:00:00.5z', '2026-01-01T00:00:00.500Z'],
    ['2026-01-01T00:00:00.123456789Z', '2026-01-01T00:00:00.123Z'],
    ['2024-02-29T23:59:59.999Z', '2024-02-29T23:59:59.999Z'],
  ])('has its time %s turned into %s', (ts, wanted) => {
    expect(checked([{ ts, message: '' }]).lines).toEqual([{ ts: wanted, stream: 'stdout', message: '' }]);
  });

  test.each([
    ['ts', 'yesterday'],
    ['ts', '2026-02-29T00:00:00.000Z'],
    ['ts', '2026-01-01T24:00:00.000Z'],
    ['ts', '0000-01-01T00:00:00.000Z'],
    ['ts', '9999-12-31T23:59:59-01:00'],
    ['ts', 5],
    ['stream', 'stdin'],
    ['level', ''],
    ['level', 'a,b'],
    ['level', 'x'.repeat(33)],
    ['level', 3],
    ['message', null],
    ['message', 7],
    ['message', 'a\0b'],
    ['message', 'ä'.repeat(600_000)],
    ['attributes', []],
    ['attributes', { a: 'x'.repeat(66_000) }],
    ['seq', 1],
    ['a/b~c', 1],
  ])('is refused for its %s %p, by its pointer', (field, value) => {
    const { faults } = checked([{ message: '' }, { message: '', [field]: value }]);
    const step = field.replace('~', '~0').replace('/', '~1');
    expect(faults).toEqual([{ pointer: `/entries/1/${step}`, detail: expect.any(String) }]);
  });

  test('is refused without a message', () => {
    expect(checked([{}]).faults).toEqual([{ pointer: '/entries/0/message', detail: 'is missing' }]);
  });

  test.each([[null], ['text'], [[]]])('is refused when it is %p', (entry) => {
    expect(checked([entry]).faults).toEqual([{ pointer: '/entries/0', detail: 'must be a JSON object' }]);
  });
});

describe('the entries', () => {
  test.each([
    ['none', []],
    ['too many', Array.from({ length: maxEntries + 1 }, () => ({ message: '' }))],
    ['no list', { message: '' }],
    ['missing', undefined],
  ])('are refused when they are %s', (_, entries) => {
    expect(checked(entries).faults).toEqual([{ pointer: '/entries', detail: expect.any(String) }]);
  });

  test('are taken up to the most', () => {
    expect(checked(Array.from({ length: maxEntries }, () => ({ message: '' }))).faults).toEqual([]);
  });

  test('have a row for each fault', () => {
    const { faults } = checked([
      { message: 1, nope: 2 },
      { stream: 'x', message: '' },
    ]);
    expect(faults).toMatchObject([
      { pointer: '/entries/0/message' },
      { pointer: '/entries/0/nope' },
      { pointer: '/entries/1/stream' },
    ]);
  });
});
