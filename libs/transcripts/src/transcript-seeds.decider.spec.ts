import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Fact, fold, type RecordedEvent } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { sealingWith, unsealingWith } from './sealing.js';
import {
  beginSeeds,
  giveUp,
  keysOf,
  type Seeds,
  transcriptSeedsDecider,
} from './transcript-seeds.decider.js';
import type { SegmentsAppended } from './transcript.events.js';
import type { TranscriptSeedsReplaced } from './transcript-seeds.events.js';

const root = Buffer.alloc(32, 7);
const begun: TranscriptSeedsReplaced = {
  type: 'TranscriptSeedsReplaced',
  data: { seeds: [{ path: '', seed: root.toString('base64') }] },
};
const after = (...facts: TranscriptSeedsReplaced[]): Seeds =>
  fold(transcriptSeedsDecider, facts as unknown as RecordedEvent[]);
const seq = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2 ** 32 - 1 }));

describe('the seeds of a transcript', () => {
  test('begin with one', () => {
    given(transcriptSeedsDecider, [])
      .when((seeds) => beginSeeds(seeds, root))
      .then([begun]);
  });

  test('are begun once', () => {
    given(transcriptSeedsDecider, [begun])
      .when((seeds) => beginSeeds(seeds, Buffer.alloc(32, 8)))
      .then([]);
  });

  test('give every segment a key of its own', () => {
    const keyOf = keysOf(after(begun));
    const keys = Array.from({ length: 1_000 }, (_, n) => keyOf(n + 1)?.toString('hex'));
    expect(new Set(keys).size).toBe(1_000);
  });

  test('give up the keys they are told to, in whatever steps, and no other', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(seq, { maxLength: 4 }), { maxLength: 6 }),
        fc.array(seq),
        (steps, others) => {
          const facts = [begun];
          for (const step of steps) facts.push(...giveUp(after(...facts), step));
          // The newest event alone is kept in the store.
          const keyOf = keysOf(after(...facts.slice(-1)));
          const gone = new Set(steps.flat());
          for (const one of gone) expect(keyOf(one)).toBeUndefined();
          for (const one of others) {
            expect(keyOf(one)).toEqual(gone.has(one) ? undefined : keysOf(after(begun))(one));
          }
        },
      ),
    );
  });

  test('lose with a key whatever it could be derived from', () => {
    const given = new Set([...after(...giveUp(after(begun), [5]))].map(([path]) => path));
    expect([...given].some((path) => (5).toString(2).padStart(32, '0').startsWith(path))).toBe(false);
    expect(given.size).toBe(32);
  });

  test('are left as they are when the keys are gone already', () => {
    given(transcriptSeedsDecider, giveUp(after(begun), [3, 4]))
      .when((seeds) => giveUp(seeds, [4, 3]))
      .then([]);
  });
});

describe('sealed content', () => {
  test('is read with the seeds of its transcript, for its own segment', () => {
    fc.assert(
      fc.property(seq, fc.json(), (n, json) => {
        const sealed = sealingWith(after(begun))(n, json);
        expect(unsealingWith(after(begun))(n, sealed)).toEqual(JSON.parse(json));
      }),
    );
  });

  test('is not read with the key of another segment, nor when it was changed', () => {
    const sealed = sealingWith(after(begun))(1, '"secret"');
    const bytes = Buffer.from(sealed, 'base64');
    bytes.writeUInt8(bytes.readUInt8(30) ^ 1, 30);
    expect(() => unsealingWith(after(begun))(2, sealed)).toThrow();
    expect(() => unsealingWith(after(begun))(1, bytes.toString('base64'))).toThrow();
  });

  test('is read as it was first stored', () => {
    const fixture = (type: string): RecordedEvent =>
      JSON.parse(
        readFileSync(join(import.meta.dirname, `../../../test/fixtures/events/${type}.v1.json`), 'utf8'),
      ) as RecordedEvent;
    const seeds = after(fixture('TranscriptSeedsReplaced') as Fact as TranscriptSeedsReplaced);
    const { data } = fixture('SegmentsAppended') as RecordedEvent<SegmentsAppended>;
    expect(data.segments.map(({ sealed }, n) => unsealingWith(seeds)(n + 1, sealed))).toEqual([
      'What is the weather?',
      { any: ['ä😀\n', null] },
    ]);
  });

  test('is not there for those who have given its key up', () => {
    const sealed = sealingWith(after(begun))(1, '"secret"');
    expect(unsealingWith(after(...giveUp(after(begun), [1])))(1, sealed)).toBeUndefined();
  });
});
