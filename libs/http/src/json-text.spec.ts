import { expect, test } from '@jest/globals';
import { parseJson, utf8 } from './json-text.js';

test('JSON comes back as it was sent, and __proto__ is a key like any other', () => {
  const value = parseJson('{"__proto__": {"x": 1}, "text": "\\ud83d\\ude00 \\\\u0000"}') as object;
  expect(Object.keys(value)).toEqual(['__proto__', 'text']);
  expect(value).not.toHaveProperty('x');
});

test.each(['', '{', '{"a":1,}', '\ufeff{}', '"\0"'])('%j is malformed', (text) => {
  expect(() => parseJson(text)).toThrow(expect.objectContaining({ code: 'malformed_json' }));
});

test.each([
  ['"\\u0000"', ''],
  ['{"a": [0, {"b/c": "x\\u0000"}]}', '/a/1/b~1c'],
  ['{"a\\u0000": 1}', '/a\0'],
])('%s holds U+0000 at %j', (text, pointer) => {
  expect(() => parseJson(text)).toThrow(
    expect.objectContaining({
      code: 'validation_failed',
      options: { errors: [{ pointer, detail: 'must not hold the character U+0000' }] },
    }),
  );
});

test.each([
  ['{"a": [1e400]}', '/a/0', '1e400'],
  ['{"a": "9007199254740993", "b": {"n": 9007199254740993}}', '/b/n', '9007199254740993'],
  ['[-1763800000000000001]', '/0', '-1763800000000000001'],
  ['{"\\\\\\"": "\\\\", "b": 1E+400}', '/b', '1E+400'],
  [`[${'9'.repeat(400)}]`, '/0', `${'9'.repeat(40)}...`],
])('a number that would be stored as another is refused: %s', (text, pointer, number) => {
  const detail = `must not hold the number ${number}: it would be stored as another; send it as text`;
  expect(() => parseJson(text)).toThrow(
    expect.objectContaining({ code: 'validation_failed', options: { errors: [{ pointer, detail }] } }),
  );
});

test.each([
  '9007199254740991',
  '100000000000000000000',
  '1e300',
  '0.12345678901234567890',
  '"\\"1e400"',
  '[1, "9007199254740993"]',
])('a number that is kept, and digits in a text, are taken: %s', (text) => {
  expect(parseJson(text)).toEqual(JSON.parse(text));
});

test('nesting has a limit', () => {
  const nested = (levels: number) => '['.repeat(levels) + ' '.repeat(1_000) + ']'.repeat(levels);
  expect(() => parseJson(nested(500))).not.toThrow();
  expect(() => parseJson(nested(501))).toThrow(expect.objectContaining({ code: 'validation_failed' }));
  expect(() => parseJson(nested(100_000))).toThrow(expect.objectContaining({ code: 'validation_failed' }));
});

test('bytes that are not UTF-8 are malformed', () => {
  expect(() => utf8(Buffer.from([0x22, 0xff, 0x22]))).toThrow(
    expect.objectContaining({ code: 'malformed_json' }),
  );
});
