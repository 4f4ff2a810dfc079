import type { RecordedEvent } from '#eventsourcing';
import { leafHash } from './merkle.js';

/** An event's text, which is its leaf in the tree: all of the event's line but its hash. */
export const eventText = (
  n: number,
  { position, stream, revision, id, type, metadata, data }: RecordedEvent,
): string =>
  `{"n":${n},"position":"${position}","stream":${JSON.stringify(stream)},"revision":${revision},` +
  `"id":"${id}","type":${JSON.stringify(type)},"metadata":${JSON.stringify(metadata)},"data":${JSON.stringify(data)}`;

/** The line of an event. @param hash its leaf, as it was when the event was stored */
export const eventLine = (text: string, hash: Buffer): string =>
  `${text},"hash":"${hash.toString('hex')}"}\n`;

/** The line of an event that is not shown: its leaf alone, so that the tree stays whole. */
export const withheldLine = (n: number, leaf: Buffer): string => {
  const text = `{"n":${n},"leaf":"${leaf.toString('hex')}"`;
  return eventLine(text, leafHash(Buffer.from(text)));
};

/** What a line says of itself, whether or not it is true. */
export interface EvidenceLine {
  /** Place in the tree, from 0. */
  readonly n: number;
  /** What stands in the tree for it. */
  readonly leaf: Buffer;
  /** Absent where the event is withheld. */
  readonly event?: {
    readonly stream: string;
    readonly revision: number;
    readonly position: string;
    readonly id: string;
  };
}

const tail = /^,"hash":"([0-9a-f]{64})"\}$/;
const tailLength = 75;
const withheld = /^\{"n":(\d{1,16}),"leaf":"([0-9a-f]{64})"$/;
const withheldMost = 110;
const metadataMark = Buffer.from(',"metadata":{');

/** Reads a line without its line break; undefined when it is not as it was written. */
export function readLine(line: Buffer): EvidenceLine | undefined {
  if (line.length <= tailLength) return undefined;
  const hash = tail.exec(line.toString('latin1', line.length - tailLength))?.[1];
  const text = line.subarray(0, line.length - tailLength);
  const own = leafHash(text);
  if (hash === undefined || own.toString('hex') !== hash) return undefined;
  if (text.length < withheldMost) {
    const [, n, leaf] = withheld.exec(text.toString('latin1')) ?? [];
    if (n !== undefined && leaf !== undefined) return { n: Number(n), leaf: Buffer.from(leaf, 'hex') };
  }
  const head = headOf(text);
  return head && { n: head.n, leaf: own, event: head };
}

/** What a line says of where it stands, even if the rest of it is not as it was written. */
export function headOf(text: Buffer): (NonNullable<EvidenceLine['event']> & { n: number }) | undefined {
  const end = text.indexOf(metadataMark);
  if (end < 0) return undefined;
  try {
    const head = JSON.parse(`${text.toString('utf8', 0, end)}}`) as Record<string, unknown>;
    const { n, stream, revision, position, id } = head;
    if (typeof n !== 'number' || typeof stream !== 'string' || typeof revision !== 'number') return undefined;
    return { n, stream, revision, position: String(position), id: String(id) };
  } catch {
    return undefined;
  }
}
