import type { EventName } from './evidence-line.js';

/** Something in an export that is not as it was when it was made, or when its events were stored. */
export interface Finding {
  readonly what: 'altered' | 'removed' | 'inserted' | 'reordered' | 'untrusted';
  /** Where, in words: the file, its line, the event. */
  readonly where: string;
  /** Number of the event in the tree, where it is about one. */
  readonly n?: number;
}

/** The words for an event and its line. */
export const eventAt = (n: number, line: number, event: EventName | undefined): string =>
  `events.ndjson line ${line}, event ${n}` +
  (event === undefined ? '' : ` (${event.stream} revision ${event.revision}, position ${event.position})`);
