import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { CappedOutput } from './capped-output.js';

/** What is kept of output that comes in these pieces. */
function kept(pieces: readonly Buffer[], limit: number) {
  const output = new CappedOutput(limit);
  const parts: Buffer[] = pieces.map((piece) => Buffer.from(output.take(piece)));
  parts.push(output.end());
  return { bytes: Buffer.concat(parts), parts, figures: output.figures };
}

const cut = (bytes: Buffer, at: readonly number[]): Buffer[] => {
  const places = [0, ...at.map((n) => n % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, n) => bytes.subarray(places[n], end));
};
const pieces = fc.array(fc.nat(), { maxLength: 8 });

test('without a cap, any bytes are kept as they are, however they come', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), pieces, (array, at) => {
      const bytes = Buffer.from(array);
      const { bytes: all, figures } = kept(cut(bytes, at), 0);
      expect(all.equals(bytes)).toBe(true);
      expect(figures).toEqual({ bytes: bytes.length, truncated: false });
    }),
  );
});

test('with a cap, as many whole characters are kept as fit, however they come', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme' }),
      fc.integer({ min: 1, max: 40 }),
      pieces,
      (text, limit, at) => {
        const bytes = Buffer.from(text);
        let wanted = '';
        for (const character of text) {
          if (Buffer.byteLength(wanted + character) > limit) break;
          wanted += character;
        }
        const { bytes: all, parts, figures } = kept(cut(bytes, at), limit);
        expect(all.toString()).toBe(wanted);
        for (const part of parts) expect(Buffer.from(part.toString()).equals(part)).toBe(true);
        expect(figures).toEqual({ bytes: bytes.length, truncated: bytes.length > limit });
      },
    ),
    // The character that stands for what is no UTF-8 is one like any other.
    { examples: [['\ufffd', 3, []]] },
  );
});

test('bytes that are no UTF-8 fill the cap to the last one', () => {
  const { bytes, figures } = kept([Buffer.alloc(10, 0x80), Buffer.alloc(10, 0xff)], 15);
  expect(bytes).toHaveLength(15);
  expect(figures).toEqual({ bytes: 20, truncated: true });
});

test('a character that is never finished is kept when the output ends', () => {
  const { bytes, figures } = kept([Buffer.from([0x61, 0xe2, 0x82])], 0);
  expect([...bytes]).toEqual([0x61, 0xe2, 0x82]);
  expect(figures).toEqual({ bytes: 3, truncated: false });
});
