import { isUtf8 } from 'node:buffer';
import type { OutputContent } from './process-output.events.js';

/** Of these bytes; a zero among them, which JSON can only spell, says that they are not text. */
export const contentOf = (bytes: Buffer): OutputContent =>
  isUtf8(bytes) && !bytes.includes(0) ? { text: bytes.toString() } : { base64: bytes.toString('base64') };

/** The bytes of a piece. */
export const bytesIn = (content: OutputContent): Buffer =>
  'text' in content ? Buffer.from(content.text) : Buffer.from(content.base64, 'base64');

/** How many bytes a piece holds. */
export const sizeOf = (content: OutputContent): number =>
  'text' in content ? Buffer.byteLength(content.text) : Buffer.byteLength(content.base64, 'base64');
