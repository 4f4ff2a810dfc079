import { digestOf, type DigestedEvent } from '#eventsourcing';
import { leafHash } from './merkle.js';

/** The part of an event's line that says which it is, and outlives its content. */
export const eventHead = (
  n: number,
  { position, stream, revision, id, type }: Omit<DigestedEvent, 'digest'>,
): string =>
  `{"n":${n},"position":"${position}","stream":${JSON.stringify(stream)},"revision":${revision},` +
  `"id":"${id}","type":${JSON.stringify(type)}`;

const digested = (head: string | Uint8Array, digest: string): string =>
  `${typeof head === 'string' ? head : Buffer.from(head).toString()},"digest":"${digest}"`;

/** What stands in the tree for an event. @param digest of its content */
export const leafOf = (head: string, digest: string): Buffer => leafHash(Buffer.from(digested(head, digest)));

const lineOf = (text: string, own: Buffer): string => `${text},"hash":"${own.toString('hex')}"}\n`;

/** The line of an event. @param leaf as it was when the event was stored */
export const eventLine = (head: string, content: string, leaf: Buffer): string =>
  lineOf(head + content, leaf);

/** The line of an event whose content is gone. */
export const purgedLine = (head: string, digest: string): string =>
  lineOf(digested(head, digest), leafOf(head, digest));

/** The line of an event that is not shown: its leaf alone, so that the tree stays whole. */
export const withheldLine = (n: number, leaf: Buffer): string => {
  const text = `{"n":${n},"leaf":"${leaf.toString('hex')}"`;
  return lineOf(text, leafHash(Buffer.from(text)));
};

/** Which event it is. */
export interface EventName {
  readonly n: number;
  readonly stream: string;
  readonly revision: number;
  readonly position: string;
}

/** What a line says of itself, whether or not it is true. */
export interface EvidenceLine {
  /** Place in the tree, from 0. */
  readonly n: number;
  /** What stands in the tree for it. */
  readonly leaf: Buffer;
  /** Absent where the event is withheld. */
  readonly event?: EventName;
  /** Whether its content is gone. */
  readonly purged?: boolean;
}

const tail = /^,"hash":"([0-9a-f]{64})"\}$/;
const tailLength = 75;
const withheld = /^\{"n":(\d{1,16}),"leaf":"([0-9a-f]{64})"$/;
const withheldMost = 110;
const contentMark = Buffer.from(',"metadata":{');
const digestMark = Buffer.from(',"digest":"');

/** Reads a line without its line break; undefined when it is not as it was written. */
export function readLine(line: Buffer): EvidenceLine | undefined {
  if (line.length <= tailLength) return undefined;
  const own = tail.exec(line.toString('latin1', line.length - tailLength))?.[1];
  const text = line.subarray(0, line.length - tailLength);
  const content = text.indexOf(contentMark);
  const leaf =
    content < 0
      ? leafHash(text)
      : leafHash(Buffer.from(digested(text.subarray(0, content), digestOf(text.subarray(content)))));
  if (own === undefined || leaf.toString('hex') !== own) return undefined;
  if (text.length < withheldMost) {
    const [, n, other] = withheld.exec(text.toString('latin1')) ?? [];
    if (n !== undefined && other !== undefined) return { n: Number(n), leaf: Buffer.from(other, 'hex') };
  }
  const event = nameIn(text);
  return event && { n: event.n, leaf, event, purged: content < 0 };
}

/** Which event a line tells of, even if the rest of it is not as it was written. */
export function nameIn(text: Buffer): EventName | undefined {
  const content = text.indexOf(contentMark);
  const end = content < 0 ? text.indexOf(digestMark) : content;
  if (end < 0) return undefined;
  try {
    const head = JSON.parse(`${text.toString('utf8', 0, end)}}`) as Record<string, unknown>;
    const { n, stream, revision, position } = head;
    if (typeof n !== 'number' || typeof stream !== 'string' || typeof revision !== 'number') return undefined;
    return { n, stream, revision, position: String(position) };
  } catch {
    return undefined;
  }
}
