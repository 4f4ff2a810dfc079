import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { mostEvents } from './run-events.js';

@ApiSchema({ name: 'NewRunEvent' })
export class NewRunEventBody {
  /** One of the types that workers append, or `x.<name>`. */
  type: string;

  /** By the rules of the type; at most 512 KiB as JSON. */
  @ApiProperty({ type: Object, additionalProperties: true, required: false })
  data?: object;

  /** Names the event within its run: a second one of this name is skipped. */
  @ApiProperty({ format: 'uuid', required: false, nullable: true, type: String })
  id?: string | null;
}

@ApiSchema({ name: 'AppendEvents' })
export class AppendEventsBody {
  @ApiProperty({ type: [NewRunEventBody], minItems: 1, maxItems: mostEvents })
  events: NewRunEventBody[];
}

@ApiSchema({ name: 'AppendedEvents' })
export class AppendedEventsResource {
  first_sequence_number: number;
  last_sequence_number: number;
  appended: number;
  skipped: number;
}
