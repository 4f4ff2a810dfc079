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

/**
 * Which column of the words a search is to look in, and for which pattern of LIKE: the words themselves where
 * pg_trgm finds three characters in a row, else the letters.
 */
export function searched(q: string): { readonly column: keyof SessionWords; readonly pattern: string } {
  const text = compared(q);
  return /[a-z0-9]{3}/.test(text)
    ? { column: 'words', pattern: `%${text.replaceAll(/[\\%_]/g, '\\$&')}%` }
    : { column: 'letters', pattern: `%${spelled(text)}%` };
}
