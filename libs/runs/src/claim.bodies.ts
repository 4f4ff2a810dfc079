import { IsOptional } from 'class-validator';
import { IsQueryShape, IsText, IsUuid, IsWhole } from '#http';
import { RunFilter } from './run.filter.js';

export class ClaimRunsBody {
  @IsText(200, { least: 1 })
  worker_id: string;

  @IsWhole(1, 100)
  max: number = 1;

  @IsWhole(1, 3_600)
  lease_seconds: number = 30;

  /** How long to wait for a run when there is none. */
  @IsWhole(0, 60)
  wait_seconds: number = 0;

  /** By the names of `GET /v1/runs`. */
  @IsOptional()
  @IsQueryShape(() => RunFilter)
  filter?: RunFilter | null;
}

export class HeartbeatBody {
  @IsUuid()
  lease_id: string;
}
