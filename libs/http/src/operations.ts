import { RuleViolation } from '#eventsourcing';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { RequestContext } from './context.js';

class OperationProgress {
  done: number;
  total: number;
}

/** Work that takes long, as the API shows it; rooms say more of theirs. */
@ApiSchema({
  name: 'Operation',
  description:
    'Its `kind` may say more: a `projection_rebuild` or `projection_verify` is a `Rebuild`, ' +
    'a `retention_sweep` a `RetentionSweep`.',
})
export class OperationResource {
  id: string;
  kind: string;
  @ApiProperty({ enum: ['running', 'succeeded', 'failed'] })
  status: 'running' | 'succeeded' | 'failed';
  progress: OperationProgress;
  @ApiProperty({ type: Object, additionalProperties: true, nullable: true })
  result: object | null;
  error: string | null;
  created_at: string;
  ended_at: string | null;
}

export interface FoundOperation {
  readonly operation: OperationResource;
  readonly revision: number;
}

/** Finds an operation of its kind. @returns undefined when it is none of these, or not the caller's to see */
export type OperationSource = (ctx: RequestContext, id: string) => Promise<FoundOperation | undefined>;

/** All kinds of long work that this process can tell of. */
export class Operations {
  private readonly sources: OperationSource[] = [];

  add(source: OperationSource): void {
    this.sources.push(source);
  }

  /** @throws RuleViolation not_found */
  async get(ctx: RequestContext, id: string): Promise<FoundOperation> {
    for (const source of this.sources) {
      const found = await source(ctx, id);
      if (found !== undefined) return found;
    }
    throw new RuleViolation('not_found', `there is no operation ${id}`);
  }
}
