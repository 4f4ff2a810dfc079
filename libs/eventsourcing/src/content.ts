import { hash } from 'node:crypto';
import type { RecordedEvent } from './event.js';

/** An event without its content. */
export type EventDigest = Omit<RecordedEvent, 'metadata' | 'data'> & {
  /** SHA-256 of `eventContent` as UTF-8, in hexadecimal. */
  readonly digest: string;
};

/** The content of an event as text, as it stands in the lines of an export: what retention removes. */
export const eventContent = ({ metadata, data }: Pick<RecordedEvent, 'metadata' | 'data'>): string =>
  `,"metadata":${JSON.stringify(metadata)},"data":${JSON.stringify(data)}`;

export const digested = ({ metadata, data, ...head }: RecordedEvent): EventDigest => ({
  ...head,
  digest: hash('sha256', eventContent({ metadata, data }), 'hex'),
});
