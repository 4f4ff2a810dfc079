import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { eventContent } from '#eventsourcing';
import { event, newKey } from '../../../test/support/made-export.js';
import {
  checkpointKind,
  digestOf,
  eventHead,
  eventLine,
  inclusionPath,
  keyIdOf,
  leafOf,
  MerkleTree,
  publicText,
  purgedLine,
  type Receipt,
  receiptFormat,
  signed,
  verifyReceipt,
} from './index.js';

const key = newKey();
const size = 40;
const made = Array.from({ length: size }, (_, n) => {
  const one = event(n, `what was said at ${n}`);
  const [head, content] = [eventHead(n, one), eventContent(one)];
  return { head, content, leaf: leafOf(head, digestOf(content)) };
});
const leaves = made.map(({ leaf }) => leaf);
const tree = MerkleTree.empty();
for (const leaf of leaves) tree.add(leaf);

const receiptOf = (n: number, by = key): Receipt => {
  const { head, content, leaf } = made[n] as (typeof made)[number];
  const root = tree.root().toString('hex');
  return {
    format: receiptFormat,
    line: eventLine(head, content, leaf).trimEnd(),
    path: inclusionPath({ first: 0, peaks: [], leaves }, n).map((hash) => hash.toString('hex')),
    checkpoint: signed(checkpointKind, { size, position: '40', root, at: '2026-01-01T00:00:00.000Z' }, by),
    public_key: publicText(by),
  };
};
const found = (receipt: Receipt, trusted?: readonly string[]) =>
  verifyReceipt(`${JSON.stringify(receipt)}\n`, trusted).findings;

describe('a receipt', () => {
  it('is found to be as it was made, of every event', () => {
    for (let n = 0; n < size; n++) expect(found(receiptOf(n), [keyIdOf(publicText(key))])).toEqual([]);
  });

  it('is found out when any byte of it is another', () => {
    const intact = Buffer.from(JSON.stringify(receiptOf(17)));
    fc.assert(
      fc.property(fc.nat(intact.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const bytes = Buffer.from(intact);
        bytes[at] = (bytes[at] ?? 0) ^ change;
        expect(verifyReceipt(bytes.toString('latin1')).findings).not.toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of one event does not show another', () => {
    const [one, other] = [receiptOf(3), receiptOf(4)];
    expect(found({ ...one, line: other.line })).toEqual([
      { what: 'altered', where: 'the event, or its path to the signed root' },
    ]);
  });

  it('of an event without its content tells nothing', () => {
    const { head, content } = made[3] as (typeof made)[number];
    const purged = { ...receiptOf(3), line: purgedLine(head, digestOf(content)).trimEnd() };
    expect(found(purged)).toEqual([{ what: 'altered', where: 'the event' }]);
  });

  it('of another key is not trusted, and not believed under the name of the one that is', () => {
    const another = newKey();
    const theirs = receiptOf(3, another);
    expect(found(theirs)).toEqual([]);
    const trusted = [keyIdOf(publicText(key))];
    expect(found(theirs, trusted)).toEqual([
      { what: 'untrusted', where: `key ${keyIdOf(publicText(another))}` },
    ]);
    expect(found({ ...theirs, public_key: publicText(key) }, trusted)).toEqual([
      { what: 'altered', where: 'the checkpoint' },
    ]);
  });

  it.each(['', 'null', '[]', '{}', '{"format":"runledger-receipt/1"}'])('is not %j', (text) => {
    expect(verifyReceipt(text)).toEqual({ findings: [{ what: 'altered', where: 'the receipt' }] });
  });
});
