import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { JsonObject } from '#eventsourcing';

/** How a session stands, in a few words. */
@ApiSchema({ name: 'SessionSummary' })
export class SummaryResource {
  session_id: string;
  /** The stored one, else the first user text, else `Session` and the first 8 characters of the id. */
  title: string;
  created_at: string;
  /** Of the last run. */
  @ApiProperty({ enum: ['running', 'completed', 'incomplete', 'idle'] })
  status: 'running' | 'completed' | 'incomplete' | 'idle';
  done_reason: string | null;
  running: boolean;
  /** The data of the last `context` event, or {}. */
  @ApiProperty({ type: Object, additionalProperties: true })
  context: JsonObject;
  archived: boolean;
}

/** How many sessions there are, and in which state. */
@ApiSchema({ name: 'SessionStats' })
export class StatsResource {
  total: number;
  started: number;
  active: number;
  idle: number;
  waiting_for_tool_results: number;
  paused: number;
}

/** What a command did: `requested` is work for the session's workers. */
@ApiSchema({ name: 'CommandedSession' })
export class CommandedResource {
  @ApiProperty({ enum: ['cancelled', 'no_op', 'requested'] })
  status: 'cancelled' | 'no_op' | 'requested';
  /** The run that was cancelled. */
  run_id?: string;
}
