import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { fold, type RecordedEvent } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { appendLog } from './log-changes.decider.js';
import { keptProducers, keptRequests, logDecider, placedBefore } from './log.decider.js';
import type { LogAppended, LogLine, ProducerRequest } from './log.events.js';

const line = (message: string, ts = '2026-01-01T00:00:00.000Z'): LogLine => ({
  ts,
  stream: 'stdout',
  message,
});
const lines = (count: number): LogLine[] => Array.from({ length: count }, (_, n) => line(`line ${n}`));
const request = (seq: number, epoch = 0, id = 'p'): ProducerRequest => ({ id, epoch, seq });
const at = '2026-01-01T00:00:00.000Z';
const appended = (first_seq: number, entries: LogLine[], producer?: ProducerRequest): LogAppended => ({
  type: 'LogAppended',
  data: { first_seq, from: at, to: at, entries, ...(producer && { producer }) },
});
/** Without what it says of those before it. */
const untold = ({ type, data: { known: _, ...data } }: LogAppended): LogAppended => ({ type, data });
const recorded = (fact: LogAppended) => fact as unknown as RecordedEvent;

describe('an append', () => {
  test('to an empty log is written from seq 1', () => {
    given(logDecider, [])
      .when((state) => appendLog(state, lines(3)))
      .then([appended(1, lines(3))]);
  });

  test('is written right behind the last line', () => {
    given(logDecider, [appended(1, lines(3)), appended(4, lines(2))])
      .when((state) => appendLog(state, lines(1)))
      .then([appended(6, lines(1))]);
  });

  test('goes on where it was when retention has removed the older lines', () => {
    given(logDecider, [appended(4, lines(2))])
      .when((state) => appendLog(state, lines(1)))
      .then([appended(6, lines(1))]);
  });

  test('says the earliest and the latest time of its lines', () => {
    const times = ['2026-01-02T00:00:00.000Z', '2026-01-01T00:00:00.000Z', '2026-01-03T00:00:00.000Z'];
    const [fact] = appendLog(
      logDecider.initial,
      times.map((ts) => line('', ts)),
    );
    expect(fact?.data).toMatchObject({ from: times[1], to: times[2] });
  });

  test('that is too large for one event is written as several, with no line cut', () => {
    const entries = Array.from({ length: 30 }, (_, n) => line(String.fromCharCode(65 + n).repeat(100_000)));
    const facts = appendLog(logDecider.initial, entries, request(0));
    expect(facts.flatMap(({ data }) => data.entries)).toEqual(entries);
    expect(facts.map(({ data }) => data.first_seq)).toEqual([1, 9, 17, 25]);
    for (const { data } of facts) {
      expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(1_000_000);
      expect(data.producer).toEqual(request(0));
    }
  });

  test.each<[string, number, Partial<LogLine>]>([
    ['of attributes', 20, { attributes: { a: 'x'.repeat(60_000) } }],
    ['as JSON writes it', 20, { message: '\u001f'.repeat(40_000) }],
    ['in bytes', 8, { message: '€'.repeat(100_000) }],
  ])('that is too large %s is written as several too', (_, count, large) => {
    const entries = Array.from({ length: count }, () => ({ ...line(''), ...large }));
    const facts = appendLog(logDecider.initial, entries);
    expect(facts.flatMap(({ data }) => data.entries)).toEqual(entries);
    for (const { data } of facts) expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(1_000_000);
  });
});

describe('an append with producer numbers', () => {
  test('is written when it is the first of a new producer', () => {
    given(logDecider, [])
      .when((state) => appendLog(state, lines(1), request(0, 7)))
      .then([appended(1, lines(1), request(0, 7))]);
  });

  test('is written when it is the next one', () => {
    given(logDecider, [appended(1, lines(2), request(0))])
      .when((state) => appendLog(state, lines(1), request(1)))
      .then([appended(3, lines(1), request(1))]);
  });

  test('is written when it begins a newer epoch', () => {
    given(logDecider, [appended(1, lines(2), request(0)), appended(3, lines(2), request(1))])
      .when((state) => appendLog(state, lines(1), request(0, 1)))
      .then([appended(5, lines(1), request(0, 1))]);
  });

  test.each([keptRequests - 1, keptRequests - 2, 0])(
    'is ignored when it was made before, as number %i',
    (seq) => {
      const facts = Array.from({ length: keptRequests }, (_, n) => appended(n + 1, lines(1), request(n)));
      given(logDecider, facts)
        .when((state) => appendLog(state, lines(1), request(seq)))
        .then([]);
    },
  );

  test('is ignored when it was made so long ago that its answer is forgotten', () => {
    const facts = Array.from({ length: keptRequests + 1 }, (_, n) => appended(n + 1, lines(1), request(n)));
    given(logDecider, facts)
      .when((state) => appendLog(state, lines(1), request(0)))
      .then([]);
  });

  test.each([
    ['the first is not number 0', [], request(1), 0],
    ['one was left out', [appended(1, lines(1), request(0))], request(2), 1],
    ['a newer epoch does not start at 0', [appended(1, lines(1), request(0))], request(1, 1), 0],
  ])('is refused when %s, and told the next number', (_, facts, wrong, expected_seq) => {
    const state = fold(logDecider, facts.map(recorded));
    expect(() => appendLog(state, lines(1), wrong)).toThrow(
      expect.objectContaining({ code: 'producer_gap', extra: { expected_seq } }),
    );
  });

  test('is refused when a newer epoch has written', () => {
    given(logDecider, [appended(1, lines(1), request(0, 2))])
      .when((state) => appendLog(state, lines(1), request(0, 1)))
      .thenRefused('producer_fenced');
  });

  test('is remembered as a whole when it left several events', () => {
    const state = fold(
      logDecider,
      [appended(1, lines(2), request(0)), appended(3, lines(2), request(0))].map(recorded),
    );
    expect(placedBefore(state, request(0))).toEqual({ first_seq: 1, last_seq: 4 });
  });

  test('is a stranger again when many others have written since', () => {
    const facts = Array.from({ length: keptProducers + 1 }, (_, n) =>
      appended(n + 1, lines(1), request(0, 0, `p${n}`)),
    );
    const state = fold(logDecider, facts.map(recorded));
    expect(state.producers.size).toBe(keptProducers);
    expect(placedBefore(state, request(0, 0, 'p0'))).toBeUndefined();
    expect(placedBefore(state, request(0, 0, 'p1'))).toBeDefined();
  });
});

test('a producer that writes now and then is not forgotten among many others', () => {
  const names = Array.from({ length: 2 * keptProducers }, (_, n) => (n % 50 === 0 ? 'p' : `p${n}`));
  const seqs = new Map<string, number>();
  const facts = names.map((name, n) => {
    const seq = seqs.get(name) ?? 0;
    seqs.set(name, seq + 1);
    return appended(n + 1, lines(1), request(seq, 0, name));
  });
  const state = fold(logDecider, facts.map(recorded));
  expect(placedBefore(state, request(0))).toEqual({ first_seq: 1, last_seq: 1 });
  expect(appendLog(state, lines(1), request(4))).toHaveLength(1);
});

/** Carries out a decision as the streams do. */
const carriedOut = (facts: LogAppended[], entries: LogLine[], producer?: ProducerRequest): LogAppended[] => [
  ...facts,
  ...appendLog(fold(logDecider, facts.map(recorded)), entries, producer, facts.length - 1),
];

describe('whatever is appended', () => {
  test('the seqs have no gap and every line is there once', () => {
    const sizes = fc.array(fc.array(fc.nat(400_000), { minLength: 1, maxLength: 6 }), { maxLength: 8 });
    fc.assert(
      fc.property(sizes, (requests) => {
        let facts: LogAppended[] = [];
        for (const request of requests) {
          facts = carriedOut(
            facts,
            request.map((size) => line('x'.repeat(size))),
          );
        }
        const stored = facts.flatMap(({ data }) =>
          data.entries.map((entry, n) => [data.first_seq + n, entry.message.length]),
        );
        expect(stored).toEqual(requests.flat().map((size, n) => [n + 1, size]));
      }),
      { numRuns: 50 },
    );
  });

  test('is known from the last origin on, which is not far', () => {
    const by = fc.option(fc.constantFrom('p', 'q', 'r'), { nil: undefined });
    fc.assert(
      fc.property(
        fc.array(fc.record({ by, pieces: fc.constantFrom(1, 1, 1, 1, 1, 1, 3) }), {
          minLength: 35,
          maxLength: 90,
        }),
        (plan) => {
          let facts: LogAppended[] = [];
          const next = new Map<string, number>();
          for (const { by: id, pieces } of plan) {
            const seq = next.get(id ?? '') ?? 0;
            next.set(id ?? '', seq + 1);
            const entries = Array.from({ length: pieces }, () =>
              line('x'.repeat(pieces === 1 ? 1 : 500_000)),
            );
            facts = carriedOut(facts, entries, id === undefined ? undefined : request(seq, 0, id));
          }
          const origin = facts.findLastIndex((fact) => logDecider.isOrigin?.(fact));
          expect(facts.length - Math.max(0, origin)).toBeLessThan(32 + 3);
          const near = facts.slice(Math.max(0, origin)).map(recorded);
          expect(fold(logDecider, near)).toEqual(fold(logDecider, facts.map(untold).map(recorded)));
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a producer that repeats its requests at will leaves each of them once, in order', () => {
    const repeats = fc.array(fc.record({ times: fc.integer({ min: 1, max: 3 }), epoch: fc.nat(2) }), {
      maxLength: 20,
    });
    fc.assert(
      fc.property(repeats, (plan) => {
        let facts: LogAppended[] = [];
        const wanted: string[] = [];
        const next = new Map<number, number>();
        for (const { times, epoch } of plan.toSorted((a, b) => a.epoch - b.epoch)) {
          const seq = next.get(epoch) ?? 0;
          next.set(epoch, seq + 1);
          wanted.push(`${epoch}/${seq}`);
          for (let n = 0; n < times; n++)
            facts = carriedOut(facts, [line(`${epoch}/${seq}`)], request(seq, epoch));
        }
        expect(facts.flatMap(({ data }) => data.entries.map(({ message }) => message))).toEqual(wanted);
      }),
    );
  });
});
