import type { IncomingMessage } from 'node:http';
import { uuidv7 } from '#eventsourcing';

const visible = /^[\x21-\x7e]{1,128}$/;
const traceparentForm = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/;

/** The id of a request: the client's X-Request-Id when it is 1 to 128 visible ASCII characters, else a new one. */
export function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && visible.test(given) ? given : uuidv7();
}

/** The trace id of a W3C `traceparent`; undefined when it is not a valid one. */
export function traceIdOf(traceparent: string): string | undefined {
  const match = traceparentForm.exec(traceparent);
  // Version 00 ends with its flags; later versions may go on.
  if (match === null || (traceparent.startsWith('00') && traceparent.length !== 55)) return undefined;
  return match[1];
}
