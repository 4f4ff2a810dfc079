import { rangesOf } from '#http';
import type { LogEntry } from './log-reader.js';

const json = 'application/json';
const ndjson = 'application/x-ndjson';
const text = 'text/plain';

/** In which form the client wants the lines most, by its Accept header; JSON when it names none of ours. */
export function mediaTypeOf(accept: string | undefined): typeof json | typeof ndjson | typeof text {
  let best: typeof json | typeof ndjson | typeof text = json;
  let quality = 0;
  for (const { type, quality: wanted } of rangesOf(accept))
    if ((type === json || type === ndjson || type === text) && wanted > quality)
      [best, quality] = [type, wanted];
  return best;
}

/** One entry a line, as JSON or as its message alone. */
export const linesText = (type: typeof ndjson | typeof text, entries: readonly LogEntry[]): string =>
  entries.map((entry) => `${type === text ? entry.message : JSON.stringify(entry)}\n`).join('');
