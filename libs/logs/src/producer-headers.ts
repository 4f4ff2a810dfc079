import type { IncomingHttpHeaders } from 'node:http';
import type { Fault } from '#http';
import type { ProducerRequest } from './log.events.js';

const names = ['producer-id', 'producer-epoch', 'producer-seq'] as const;
const shown = {
  'producer-id': 'Producer-Id',
  'producer-epoch': 'Producer-Epoch',
  'producer-seq': 'Producer-Seq',
};
/** What the OpenAPI document says of them. */
export const producerHeaders = [
  { name: shown['producer-id'], description: 'Whose requests are appended once, in order: send all three.' },
  {
    name: shown['producer-epoch'],
    description: 'One more each time that the producer starts; an older one is 403.',
  },
  { name: shown['producer-seq'], description: 'From 0, one more per request of the epoch.' },
].map((header) => ({ ...header, required: false }));

const visible = /^[\x21-\x7e]{1,255}$/;
const digits = /^\d{1,15}$/;

/**
 * The producer's numbers of a request, or undefined when it has none.
 * @param faults collects what is wrong; the result is good only when it stays empty
 */
export function producerOf(headers: IncomingHttpHeaders, faults: Fault[]): ProducerRequest | undefined {
  if (names.every((name) => headers[name] === undefined)) return undefined;
  const fault = (name: (typeof names)[number], detail: string): void => {
    faults.push({ parameter: shown[name], detail });
  };
  for (const name of names) {
    const value = headers[name];
    if (value === undefined) fault(name, 'is missing: a producer sends all three of its headers');
    else if (name === 'producer-id') {
      if (!visible.test(String(value))) fault(name, 'must be 1 to 255 visible ASCII characters');
    } else if (!digits.test(String(value)))
      fault(name, 'must be a whole number from 0, of at most 15 digits');
  }
  return {
    id: String(headers['producer-id']),
    epoch: Number(headers['producer-epoch']),
    seq: Number(headers['producer-seq']),
  };
}
