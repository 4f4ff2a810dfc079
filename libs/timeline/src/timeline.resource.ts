import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Json, JsonObject } from '#eventsourcing';

@ApiSchema({ name: 'Event' })
export class EventResource {
  id: string;
  type: string;
  /** Gapless from 1, per run; in a session's feed, per session. */
  sequence_number?: number;
  run_id?: string;
  session_id?: string;
  /** Place in the global order; in the project's feed alone. */
  position?: number;
  created_at: string;
  actor: string;

  @ApiProperty({ type: Object, additionalProperties: true })
  data: JsonObject;
}

@ApiSchema({ name: 'ToolCall' })
export class ToolCallResource {
  id: string;
  tool_use_id: string;
  name: string | null;
  status: 'started' | 'completed' | 'failed';
  arguments: Json;
  result_preview: string | null;
  error: Json;
  created_at: string;
  updated_at: string;
}

@ApiSchema({ name: 'SessionLiveness' })
export class LivenessResource {
  /** A run of the session is running. */
  alive: boolean;
  /** Somebody is attached to it. */
  attached: boolean;
  /** One can attach to what is running without displacing anybody. */
  reattachable: boolean;
}
