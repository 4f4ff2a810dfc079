import { ApiSchema } from '@nestjs/swagger';
import type { JsonObject } from '#eventsourcing';
import type { LogStream } from './log.events.js';

/** A line of a run's log as the API shows it. */
@ApiSchema({ name: 'LogEntry' })
export class LogEntryResource {
  /** Place of the line in the run's log, from 1, without a gap. */
  seq: number;
  ts: string;
  stream: LogStream;
  level?: string;
  message: string;
  attributes?: JsonObject;
}

/** Where the entries of an append were put. */
@ApiSchema({ name: 'AppendedLog' })
export class AppendedLogResource {
  first_seq: number;
  last_seq: number;
  count: number;
}
