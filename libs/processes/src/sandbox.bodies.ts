import { IsNumber, IsOptional, Max, Min } from 'class-validator';
import { IsFlag, IsShape, IsWhole } from '#http';

const mostCores = 1_024;

class LimitsBody {
  /** Cores of the processor, in parts too. */
  @IsOptional()
  @IsNumber({}, { message: '$property must be a number' })
  @Min(0.01, { message: '$property must be at least $constraint1' })
  @Max(mostCores, { message: '$property must be at most $constraint1' })
  cpu_cores?: number | null;

  @IsOptional()
  @IsWhole(4, 16_777_216)
  memory_mb?: number | null;

  /** Processes and threads of the system, all together. */
  @IsOptional()
  @IsWhole(1, 4_194_304)
  pids?: number | null;

  /** Processes of this API at the same time; 64 by default. */
  @IsOptional()
  @IsWhole(1, 1_000)
  max_processes?: number | null;
}

export class OpenSandboxBody {
  /** What is absent is not limited, but for `max_processes`. */
  @IsOptional()
  @IsShape(() => LimitsBody)
  limits?: LimitsBody | null;

  /** Whether processes may be started that outlive the attempt of the run which started them. */
  @IsOptional()
  @IsFlag()
  allow_detached?: boolean | null;

  /** Open without the limits that the host cannot enforce, in place of refusing. */
  @IsOptional()
  @IsFlag()
  best_effort?: boolean | null;
}

export class CloseSandboxQuery {
  /** Answer once the sandbox is closed. */
  @IsOptional()
  @IsFlag()
  wait?: boolean;

  /** How long processes have between SIGTERM and SIGKILL. */
  @IsOptional()
  @IsWhole(0, 60)
  grace_seconds?: number;
}
