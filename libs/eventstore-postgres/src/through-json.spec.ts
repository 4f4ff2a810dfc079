import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { throughJson } from './through-json.js';

/** What code may hand over, beyond JSON: holes, numbers without a text, and what knows its own. */
const values = fc.anything({
  values: [
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.boolean(),
    fc.constantFrom(null, undefined, Symbol('s'), () => 1, new Date(0), { toJSON: () => 'told' }),
  ],
  withNullPrototype: true,
});

test('a value comes back as JSON would give it', () => {
  fc.assert(
    fc.property(values, (value) => {
      const json = JSON.stringify(value) as string | undefined;
      expect(throughJson(value)).toStrictEqual(json === undefined ? undefined : JSON.parse(json));
    }),
    { numRuns: 2_000 },
  );
});
