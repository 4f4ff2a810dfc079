import type { LiveEvents, Streams } from '#eventsourcing';
import { EventStore } from '#eventsourcing';
import type { ProcessKeys } from './process-keys.js';
import type { RunTeller } from './run-teller.js';

/** What a host works with. */
export interface HostTools {
  readonly streams: Streams;
  readonly store: EventStore;
  readonly live: LiveEvents;
  readonly keys: ProcessKeys;
  readonly teller: RunTeller;
}
