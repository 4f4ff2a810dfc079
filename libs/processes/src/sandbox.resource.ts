import { ApiSchema } from '@nestjs/swagger';
import type { SandboxState } from './sandbox.decider.js';
import type { CloseReason } from './sandbox.events.js';

@ApiSchema({ name: 'SandboxLimits' })
export class SandboxLimitsResource {
  cpu_cores: number | null;
  memory_mb: number | null;
  pids: number | null;
  max_processes: number;
}

/** A sandbox as the API shows it. */
@ApiSchema({ name: 'Sandbox' })
export class SandboxResource {
  id: string;
  run_id: string;
  driver: string | null;
  status: 'open' | 'closing' | 'closed';
  host_id: string | null;
  workdir: string | null;
  limits: SandboxLimitsResource;
  /** The limits that the host really holds the processes to. */
  limits_enforced: string[];
  /** What separates the processes from the host. */
  isolation: string[];
  allow_detached: boolean;
  best_effort: boolean;
  /** Why it was closed. */
  reason: CloseReason | null;
  created_at: string;
  closed_at: string | null;
}

/** A sandbox that was opened, as the API shows it. */
export function sandboxResource(sandbox: SandboxState): SandboxResource {
  const { status, limits } = sandbox;
  return {
    id: sandbox.sandbox_id,
    run_id: sandbox.run_id,
    driver: sandbox.driver,
    status: status === 'closing' || status === 'closed' ? status : 'open',
    host_id: sandbox.host_id,
    workdir: sandbox.workdir,
    limits: {
      cpu_cores: limits.cpu_cores ?? null,
      memory_mb: limits.memory_mb ?? null,
      pids: limits.pids ?? null,
      max_processes: limits.max_processes,
    },
    limits_enforced: [...sandbox.limits_enforced],
    isolation: [...sandbox.isolation],
    allow_detached: sandbox.allow_detached,
    best_effort: sandbox.best_effort,
    reason: sandbox.reason,
    created_at: sandbox.created_at,
    closed_at: sandbox.closed_at,
  };
}
