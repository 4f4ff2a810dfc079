import { readLine } from './evidence-line.js';
import { type Checkpoint, checkpointKind } from './export-files.js';
import type { Finding } from './finding.js';
import { rootAbove } from './inclusion.js';
import { isSigned, keyIdOf } from './signing.js';

export const receiptFormat = 'runledger-receipt/1';

/** Shows without a server that one event was stored: that a text was redacted, say, by whom, and when. */
export interface Receipt {
  readonly format: typeof receiptFormat;
  /** The event's line as in an export, without its line break. */
  readonly line: string;
  /** The hashes beside its way to the root, lowest first, in hexadecimal. */
  readonly path: readonly string[];
  /** The signed root. */
  readonly checkpoint: Checkpoint;
  /** The key that has signed it. */
  readonly public_key: string;
}

export interface ReceiptVerification {
  /** What is wrong; nothing when the receipt is as it was made. */
  readonly findings: readonly Finding[];
  /** Absent when it cannot be read. */
  readonly receipt?: Receipt;
}

/**
 * Checks a receipt with nothing but its text. Without `trusted` the key that it brings is believed.
 * @param trusted ids of the keys that may have signed it
 */
export function verifyReceipt(text: string, trusted?: readonly string[]): ReceiptVerification {
  const receipt = readReceipt(text);
  if (receipt === undefined) return { findings: [{ what: 'altered', where: 'the receipt' }] };
  const { line, path, checkpoint, public_key } = receipt;
  const findings: Finding[] = [];
  const altered = (where: string): void => void findings.push({ what: 'altered', where });
  const event = readLine(Buffer.from(line));
  if (event?.event === undefined || event.purged === true) altered('the event');
  else {
    const hashes = path.map((hash) => Buffer.from(hash, 'hex'));
    const root = rootAbove(event.leaf, event.n, checkpoint.size, hashes);
    if (root?.toString('hex') !== checkpoint.root) altered('the event, or its path to the signed root');
  }
  if (!isSigned(checkpointKind, checkpoint, { [keyIdOf(public_key)]: public_key })) altered('the checkpoint');
  else if (trusted?.includes(checkpoint.key_id) === false) {
    findings.push({ what: 'untrusted', where: `key ${checkpoint.key_id}` });
  }
  return { findings, receipt };
}

const hashForm = /^[0-9a-f]{64}$/;

/** A receipt that is written in the one way in which it is written. */
function readReceipt(text: string): Receipt | undefined {
  try {
    const receipt = JSON.parse(text) as Receipt;
    const { format, line, path, checkpoint, public_key } = receipt;
    const usable =
      (format as string) === receiptFormat &&
      typeof (line as unknown) === 'string' &&
      path.every((hash) => hashForm.test(hash)) &&
      Number.isSafeInteger(checkpoint.size) &&
      Buffer.from(public_key, 'base64').toString('base64') === public_key;
    return usable && JSON.stringify(receipt) === text.trimEnd() ? receipt : undefined;
  } catch {
    return undefined;
  }
}
