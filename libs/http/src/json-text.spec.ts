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
