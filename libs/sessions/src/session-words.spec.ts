import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { searched, wordsOf } from './session-words.js';

const letter = fc.constantFrom(...Array.from('axyz09 %_\\\nßÉéあア発票👍🏽\u0301'));
const text = fc.string({
  unit: fc.oneof(letter, fc.string({ unit: 'binary', maxLength: 1 })),
  maxLength: 20,
});
const compared = (title: string): string => wordsOf(title, null).words.slice(0, -1);

const finds = (title: string, q: string): boolean => {
  const { column, pattern, text } = searched(q);
  const value = wordsOf(title, 'and more')[column];
  const like = new RegExp(`^${pattern.replaceAll('%', '.*')}$`, 's').test(value);
  // What the index does not find cannot have the text.
  if (!like) expect(value).not.toContain(text);
  return like && value.includes(text);
};

it('finds what is in the text, of any length and script, and nothing else', () => {
  fc.assert(
    fc.property(
      text,
      text.filter((q) => q !== ''),
      (title, q) => {
        expect(finds(title, q)).toBe(`${compared(title)}\nand more`.includes(compared(q)));
      },
    ),
    { numRuns: 2_000 },
  );
  fc.assert(
    fc.property(text, text, text, (before, q, after) => {
      // A mark of its own may become one with the letter before it.
      fc.pre(
        q !== '' && compared(`${before}${q}${after}`) === compared(before) + compared(q) + compared(after),
      );
      expect(finds(`${before}${q}${after}`, q)).toBe(true);
    }),
  );
});

it.each([
  ['Wolken', 'WOLKEN', 'words'],
  ['50 % off', '50 %', 'letters'],
  ['50 percent off', '50 %', 'letters'],
  ['Straße', 'ß', 'letters'],
  ['ﬁle', 'FILE', 'words'],
  ['発票の件', '発票', 'letters'],
  ['Счёт 7', 'счёт', 'letters'],
])('looks in %j for %j among the %s', (title, q, column) => {
  expect(searched(q).column).toBe(column);
  expect(finds(title, q)).toBe(title !== '50 percent off');
});

it('asks the index for the ends of a long word, and finds none but the whole', () => {
  expect(searched('50 Customers')).toEqual({ column: 'words', pattern: '%cus%ers%', text: '50 customers' });
  expect(finds('50 customers of ours', 'customers')).toBe(true);
  expect(finds('Custom letters', 'customers')).toBe(false);
});
