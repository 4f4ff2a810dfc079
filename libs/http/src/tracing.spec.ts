import { expect, test } from '@jest/globals';
import { requestId, traceIdOf } from './tracing.js';
import { isUuid } from './forms.js';

const trace = '0af7651916cd43dd8448eb211c80319c';

test.each([
  [`00-${trace}-b7ad6b7169203331-01`, trace],
  [`01-${trace}-b7ad6b7169203331-01-more`, trace],
  [`00-${trace}-b7ad6b7169203331-01-more`, undefined],
  [`ff-${trace}-b7ad6b7169203331-01`, undefined],
  [`00-${'0'.repeat(32)}-b7ad6b7169203331-01`, undefined],
  [`00-${trace}-${'0'.repeat(16)}-01`, undefined],
  [`00-${trace.toUpperCase()}-b7ad6b7169203331-01`, undefined],
  ['', undefined],
])('traceparent %s', (header, traceId) => {
  expect(traceIdOf(header)).toBe(traceId);
});

test('a request keeps the id it came with, when that is fit to be one', () => {
  expect(requestId({ headers: { 'x-request-id': 'mine-1' } })).toBe('mine-1');
  for (const id of ['', 'two words', 'ä', 'x'.repeat(129), undefined]) {
    expect(isUuid(requestId({ headers: { 'x-request-id': id } }))).toBe(true);
  }
});
