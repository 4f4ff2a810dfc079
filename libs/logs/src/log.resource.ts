import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { JsonObject } from '#eventsourcing';
import type { LogStream } from './log.events.js';
import { levelForm, maxEntries } from './log-lines.js';

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

@ApiSchema({ name: 'NewLogEntry' })
export class NewLogEntryBody {
  /** At most 1 MiB. */
  message: string;
  /** stdout by default. */
  stream?: LogStream | null;
  @ApiProperty({ pattern: levelForm.source })
  level?: string | null;
  /** When it was written; its arrival by default. */
  @ApiProperty({ format: 'date-time' })
  ts?: string | null;
  /** At most 64 KiB as JSON. */
  attributes?: JsonObject | null;
}

@ApiSchema({ name: 'AppendLog' })
export class AppendLogBody {
  @ApiProperty({ type: [NewLogEntryBody], minItems: 1, maxItems: maxEntries })
  entries: NewLogEntryBody[];
}

/** Where the entries of an append were put. */
@ApiSchema({ name: 'AppendedLog' })
export class AppendedLogResource {
  first_seq: number;
  last_seq: number;
  count: number;
}
