import type { Json } from '#eventsourcing';
import { ProblemError } from './problems.js';

const most = 128 * 1024;

/**
 * Bounds a value that is copied into what others read in bulk: timelines, schedules.
 * @param pointer where the value stands in the body @throws ProblemError payload_too_large above 128 KiB
 */
export function expectSmall(value: Json, pointer: string): void {
  if (Buffer.byteLength(JSON.stringify(value)) <= most) return;
  const detail = `must be at most ${most} bytes (128 KiB) as JSON`;
  throw new ProblemError('payload_too_large', `${pointer} ${detail}.`, { errors: [{ pointer, detail }] });
}
