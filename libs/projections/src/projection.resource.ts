import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { ProjectionState, ProjectionStatus } from '#read-models';

/** How far a projection has come. */
@ApiSchema({ name: 'Projection' })
export class ProjectionResource implements ProjectionStatus {
  name: string;
  version: number;

  /** `waiting`: no projector has taken it up yet; `failing`: its newest batch is being tried again. */
  @ApiProperty({ enum: ['live', 'catching_up', 'rebuilding', 'failing', 'waiting'] })
  state: ProjectionState;
  /** Place in the global order that it has come to. */
  position: number;
  /** Positions between it and the last event of all; those of other projections count too. */
  lag_events: number;
  /** Milliseconds since it last moved, 0 when it has seen everything. */
  lag_ms: number;
  /** Whether it has rows of its own, which can be built anew; a policy only reacts to events. */
  rebuildable: boolean;
}

@ApiSchema({ name: 'ProjectionList' })
export class ProjectionListResource {
  data: ProjectionResource[];
}
