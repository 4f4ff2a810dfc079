import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { ProjectionResource } from '#projections';

@ApiSchema({ name: 'Health' })
export class HealthResource {
  @ApiProperty({ enum: ['ok'] })
  status: string;
}

@ApiSchema({ name: 'Readiness' })
export class ReadinessResource {
  @ApiProperty({ enum: ['ready', 'not_ready'] })
  status: 'ready' | 'not_ready';

  /** What is wrong with each dependency that fails. */
  @ApiProperty({ type: Object, additionalProperties: { type: 'string' } })
  failing: Record<string, string>;

  @ApiProperty({ type: [ProjectionResource] })
  projections: ProjectionResource[];
}
