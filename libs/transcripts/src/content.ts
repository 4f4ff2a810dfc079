import type { Json } from '#eventsourcing';
import { ProblemError } from '#http';

const most = 1024 * 1024;

/**
 * A content as JSON text. A text counts as it is, all else as JSON.
 * @param pointer where it stands in the body @throws ProblemError payload_too_large above 1 MiB
 */
export function contentText(content: Json, pointer: string): string {
  const json = JSON.stringify(content);
  if (Buffer.byteLength(typeof content === 'string' ? content : json) <= most) return json;
  const detail = `must be at most ${most} bytes (1 MiB), as JSON unless it is a text`;
  throw new ProblemError('payload_too_large', `${pointer} ${detail}.`, { errors: [{ pointer, detail }] });
}
