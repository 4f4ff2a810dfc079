import { hash } from 'node:crypto';
import type { RecordedEvent } from './event.js';

/** What an event says, apart from which event it is, as one text: the same wherever and however it was stored. */
export const eventContent = ({ metadata, data }: Pick<RecordedEvent, 'metadata' | 'data'>): string =>
  `,"metadata":${JSON.stringify(metadata)},"data":${JSON.stringify(data)}`;

/** SHA-256 of an event's content, in hexadecimal. */
export const digestOf = (content: string | Uint8Array): string => hash('sha256', content, 'hex');
