import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Json } from '#eventsourcing';
import type { InteractionResponse, InteractionState } from './interaction.decider.js';
import {
  type InteractionKind,
  interactionKinds,
  type InteractionStatus,
  interactionStatuses,
} from './interaction.events.js';

/** A question of an agent as the API shows it. */
@ApiSchema({ name: 'Interaction' })
export class InteractionResource {
  id: string;
  token: string;
  project_id: string;
  user_id: string;
  session_id: string | null;
  run_id: string;
  @ApiProperty({ enum: interactionKinds })
  kind: InteractionKind;
  @ApiProperty({ enum: interactionStatuses })
  status: InteractionStatus;
  /** What the agent asks: any JSON. */
  @ApiProperty({ nullable: true })
  request: Json;
  /** `answer`, `decision` or `error`; `by` a principal id, and `at`; given with a token, `valid_until` its end. */
  @ApiProperty({ type: Object, additionalProperties: true, nullable: true })
  response: InteractionResponse | null;
  reason: string | null;
  expires_at: string;
  created_at: string;
  updated_at: string;
  revision: number;
}

/** A question as the API shows it. */
export const interactionResource = (interaction: InteractionState): InteractionResource => ({
  ...interaction,
});
