import { wellFormed } from '#read-models';

/** What a search compares: compatible forms of a letter are one, and so are upper and lower case. */
const compared = (text: string): string => wellFormed(text).normalize('NFKC').toLowerCase();

/** What a search of sessions looks at. */
export interface SessionWords {
  readonly words: string;
  /** The same, of {@link spelled} letters. */
  readonly letters: string;
}

export function wordsOf(title: string | null | undefined, preview: string | null): SessionWords {
  const words = compared(`${title ?? ''}\n${preview ?? ''}`);
  return { words, letters: spelled(words) };
}

/**
 * Each character between two `x`: itself if it is one of the others that pg_trgm sees in every locale, the
 * digits of its code point in base 33 (which end before `x`), at least two, if not. So one character is a
 * trigram, and so are two neighbours, whatever the script.
 */
const spelled = (text: string): string =>
  Array.from(text, (letter) =>
    /[a-wyz0-9]/.test(letter) ? letter : (letter.codePointAt(0) ?? 0).toString(33).padStart(2, '0'),
  ).reduce((all, letter) => `${all}${letter}x`, 'x');

/** How a search is asked of a column of the words. */
interface Searched {
  readonly column: keyof SessionWords;
  /** What the column must be LIKE, for its index. */
  readonly pattern: string;
  /** What must stand in it, of all that the index finds. */
  readonly text: string;
}

/**
 * Looks in the words themselves where pg_trgm finds three characters in a row, else in the letters. Of a long
 * word the index is asked for the ends alone: each trigram costs it the reading of a list, and those between
 * hardly ever rule out what the ends let through.
 */
export function searched(q: string): Searched {
  const text = compared(q);
  const words = text.match(/[a-z0-9]{3,}/g);
  if (words === null) return { column: 'letters', pattern: `%${spelled(text)}%`, text: spelled(text) };
  const ends = words.map((word) => (word.length < 6 ? word : `${word.slice(0, 3)}%${word.slice(-3)}`));
  return { column: 'words', pattern: `%${ends.join('%')}%`, text };
}
