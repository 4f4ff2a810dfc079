import { describe, expect, it } from '@jest/globals';
import { LineSplitter } from './line-splitter.js';

const split = (chunks: readonly (string | Uint8Array)[], maxBytes?: number): string[] => {
  const splitter = new LineSplitter(maxBytes);
  return [...chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk))), ...splitter.end()];
};

describe('line splitter', () => {
  it('joins a line that arrives in pieces', () => {
    expect(split(['a', 'b\nc', '\n'])).toEqual(['ab', 'c']);
  });

  it('keeps empty lines and a last line without an end', () => {
    expect(split(['\n\nlast'])).toEqual(['', '', 'last']);
  });

  it('takes \\r\\n for a line end and leaves other \\r alone', () => {
    expect(split(['10%\r20%\r', '\nnext\r\n'])).toEqual(['10%\r20%', 'next']);
  });

  it('joins a character that arrives in pieces', () => {
    const bytes = Buffer.from('€\n');
    expect(split([bytes.subarray(0, 1), bytes.subarray(1)])).toEqual(['€']);
  });

  it('replaces invalid UTF-8 and U+0000', () => {
    expect(split([Buffer.from([0x61, 0xff, 0x00, 0x0a])])).toEqual(['a\uFFFD\uFFFD']);
  });

  it('keeps a byte order mark, which is part of the text', () => {
    expect(split(['\uFEFFa\n'])).toEqual(['\uFEFFa']);
  });

  it('splits a line that is too long between characters and loses nothing', () => {
    expect(split(['ab€€c\n'], 4)).toEqual(['ab', '€', '€c']);
  });

  it('does not split a line of exactly the longest length', () => {
    expect(split(['abcd\n'], 4)).toEqual(['abcd']);
  });
});
