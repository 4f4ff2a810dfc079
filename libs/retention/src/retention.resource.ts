import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { OperationResource } from '#http';
import {
  type RetentionAction,
  retentionActions,
  type RetentionKind,
  retentionKinds,
  type RetentionLimits,
} from './retention.events.js';
import type { PolicyState } from './policy.decider.js';
import type { SweepState } from './sweep.decider.js';
import type { Tally } from './tally.decider.js';

/** What may be kept of one kind of content. */
@ApiSchema({ name: 'RetentionPolicy' })
export class PolicyResource {
  /** `default`, `project`, or `session:` and an id. */
  scope: string;
  @ApiProperty({ enum: retentionKinds })
  kind: RetentionKind;
  max_age: string | null;
  max_bytes: number | null;
  @ApiProperty({ enum: retentionActions })
  action: RetentionAction;
  updated_at: string;
  /** Principal id. */
  updated_by: string;
  revision: number;
}

export const policyResource = (
  scope: string,
  kind: RetentionKind,
  limits: RetentionLimits,
  { updated_at, updated_by, revision }: PolicyState,
): PolicyResource => ({ scope, kind, ...limits, updated_at, updated_by, revision });

/** What was removed, or would be. */
@ApiSchema({ name: 'RetentionRemoval' })
export class RemovalResource {
  @ApiProperty({ enum: retentionKinds })
  kind: RetentionKind;
  scope: string;
  @ApiProperty({ enum: retentionActions })
  action: RetentionAction;
  /** Runs or sessions. */
  subjects: number;
  /** Log lines, segments, or processes that left output. */
  count: number;
  bytes: number;
  /** Earliest and latest time that the content names. */
  oldest: string | null;
  newest: string | null;
  /** The first 100 of the runs or sessions, by id. */
  ids: string[];
}

export const removalResource = (
  kind: RetentionKind,
  scope: string,
  action: RetentionAction,
  { last_id: _last, ids, ...tally }: Tally,
): RemovalResource => ({ kind, scope, action, ...tally, ids: [...ids] });

@ApiSchema({ name: 'SweptRetentionRemoval' })
class SweptResource extends RemovalResource {
  /** Names of the manifests in the archive. */
  archives: string[];
}

class SweepResultResource {
  removed: SweptResource[];
  /** How many removals were left out: held by then, running again, under another rule, or not to be archived. */
  kept: number;
}

/** A sweep as the operation that it is. */
@ApiSchema({ name: 'RetentionSweep' })
export class SweepResource extends OperationResource {
  @ApiProperty({ enum: ['retention_sweep'] })
  declare kind: 'retention_sweep';
  declare result: SweepResultResource | null;
}

export function sweepResource(sweep: SweepState): SweepResource {
  const removed = sweep.swept.map(({ kind, scope, action, tally, archives }) =>
    Object.assign(removalResource(kind, shownScope(scope), action, tally), { archives: [...archives] }),
  );
  return {
    id: sweep.id,
    kind: 'retention_sweep',
    status: sweep.status,
    progress: { done: sweep.done, total: sweep.total },
    result: sweep.status === 'running' ? null : { removed, kept: sweep.kept },
    error: sweep.error,
    created_at: sweep.created_at,
    ended_at: sweep.ended_at,
  };
}

/** A scope as the caller names it: its own project has no other name for it. */
export const shownScope = (scope: string): string => (scope.startsWith('project:') ? 'project' : scope);

class HoldSubjectResource {
  session_id?: string;
  run_id?: string;
  user_id?: string;
}

@ApiSchema({ name: 'LegalHold' })
export class LegalHoldResource {
  id: string;
  project_id: string;
  subject: HoldSubjectResource;
  reason: string;
  placed_at: string;
  /** Principal id. */
  placed_by: string;
  released_at: string | null;
  released_by: string | null;
  release_reason: string | null;
}

class KeptResource {
  scope: string;
  max_age: string | null;
  max_bytes: number | null;
  @ApiProperty({ enum: retentionActions })
  action: RetentionAction;
}

class CountResource {
  count: number;
  bytes: number;
}

/** What becomes of one kind of content. */
@ApiSchema({ name: 'RetentionOfKind' })
export class KindRetentionResource {
  @ApiProperty({ enum: retentionKinds })
  kind: RetentionKind;
  /** The policy of the nearest scope; null: all is kept. */
  policy: KeptResource | null;
  /** When the age of the oldest that is stored is over; null when nothing expires by age. */
  expires_at: string | null;
  /** Whether there is more than the policy lets be. */
  over_size: boolean;
  /** Lines, segments or processes that left output, and their bytes. */
  stored: CountResource;
  purged: CountResource;
  /** Forks that still show some of it, which is kept until their own policies let it go: the first 100. */
  shared_with: string[];
}

/** Which rules apply to a run or a session, and what stands in their way. */
@ApiSchema({ name: 'Retention' })
export class RetentionResource {
  run_id?: string;
  session_id?: string;
  kinds: KindRetentionResource[];
  /** Whether a run keeps it: nothing of what runs is removed. */
  running: boolean;
  legal_holds: LegalHoldResource[];
}
