import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventStreamParser, type ServerSentEvent } from './event-stream-parser.js';

interface Read {
  readonly events: readonly ServerSentEvent[];
  readonly lastEventId: string;
  readonly retry: number | undefined;
}

const read = (chunks: readonly (string | Uint8Array)[]): Read => {
  const parser = new EventStreamParser();
  const events = chunks.flatMap((chunk) => parser.push(Buffer.from(chunk)));
  return { events, lastEventId: parser.lastEventId, retry: parser.retry };
};
const events = (...chunks: readonly (string | Uint8Array)[]) => read(chunks).events;

/** Bytes cut at some places; empty pieces are among them. */
const cut = (bytes: Uint8Array, places: readonly number[]): Uint8Array[] => {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, n) => bytes.subarray(n === 0 ? 0 : ends[n - 1], end));
};

const lineEnd = fc.constantFrom('\n', '\r\n', '\r');
const oneLine = fc.string({ unit: fc.constantFrom('a', ' ', ':', '€', '😀', '\u0085', '{"n":1}') });
const told = fc.record({
  type: fc.constantFrom('run.created', 'x.ä', 'end'),
  data: fc.array(oneLine, { minLength: 1, maxLength: 3 }),
  id: fc.option(fc.nat().map(String), { nil: undefined }),
  noise: fc.constantFrom('', ': keepalive', ':', 'unknown: field', 'unknown', 'retry: soon'),
});
type Told = typeof told extends fc.Arbitrary<infer T> ? T : never;

const written = ({ type, data, id, noise }: Told, end: string): string =>
  [
    ...(noise === '' ? [] : [noise]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    `event:${type}`,
    ...data.map((line) => `data: ${line}`),
    '',
    '',
  ].join(end);

describe('event stream parser', () => {
  it('reads the same events wherever the bytes are cut, with any line ends', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(told, lineEnd)),
        fc.array(fc.nat()),
        fc.constantFrom('', '\uFEFF'),
        (stream, places, mark) => {
          const text = mark + stream.map(([one, end]) => written(one, end)).join('');
          expect(read(cut(Buffer.from(text), places))).toEqual({
            events: stream.map(([{ type, data }]) => ({ type, data: data.join('\n') })),
            lastEventId: stream.findLast(([{ id }]) => id !== undefined)?.[0].id ?? '',
            retry: undefined,
          });
        },
      ),
    );
  });

  it('reads any bytes as the same, whole or one by one', () => {
    const bytes = fc.oneof(
      fc.uint8Array(),
      fc
        .string({ unit: fc.constantFrom('data', 'id', ':', ' ', '\r', '\n') })
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(bytes, (all) => {
        expect(read([...all].map((byte) => Uint8Array.of(byte)))).toEqual(read([all]));
      }),
    );
  });

  it('takes away one space behind the colon, and no more', () => {
    expect(events('data:a\ndata: b\ndata:  c\ndata\n\n')).toEqual([{ type: 'message', data: 'a\nb\n c\n' }]);
  });

  it('tells no event without data, yet goes on from its id', () => {
    expect(read(['event: x\nid: 7\n\n'])).toEqual({ events: [], lastEventId: '7', retry: undefined });
  });

  it('tells no event that was not ended, and does not go on from its id', () => {
    expect(read(['id: 1\ndata: a\n\nid: 2\ndata: b\n'])).toMatchObject({
      events: [{ type: 'message', data: 'a' }],
      lastEventId: '1',
    });
  });

  it('ignores an id with U+0000', () => {
    expect(read(['id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n']).lastEventId).toBe('1');
  });

  it('remembers how long the server advises to wait', () => {
    expect(read(['retry: 2500\n', 'retry: 1s\n']).retry).toBe(2500);
  });
});
