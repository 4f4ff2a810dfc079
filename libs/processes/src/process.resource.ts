import { ApiSchema } from '@nestjs/swagger';
import { noOutput, type ProcessState } from './process.decider.js';
import type { OutputFigures, ProcessStatus } from './process.events.js';

@ApiSchema({ name: 'OutputFigures' })
export class StreamFiguresResource {
  /** All that the process wrote, kept or not. */
  bytes: number;
  /** Whether some of it was dropped behind the cap. */
  truncated: boolean;
}

@ApiSchema({ name: 'ProcessOutputFigures' })
export class OutputFiguresResource {
  stdout: StreamFiguresResource;
  stderr: StreamFiguresResource;
}

/** A process as the API shows it. */
@ApiSchema({ name: 'Process' })
export class ProcessResource {
  id: string;
  sandbox_id: string;
  run_id: string;
  task_id: string;
  command: string;
  args: string[];
  env_keys: string[];
  /** Within the work folder, which is `.`. */
  cwd: string;
  status: ProcessStatus;
  /** As the host sees it. */
  pid: number | null;
  exit_code: number | null;
  signal: string | null;
  /** Why it did not simply exit. */
  reason: string | null;
  detached: boolean;
  attach_output: boolean;
  timeout_seconds: number;
  output_limit_bytes: number;
  output: OutputFiguresResource;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
}

/** A process as the API shows it. @param output what it has written so far, when it has not ended */
export function processResource(process: ProcessState, output?: OutputFigures): ProcessResource {
  return {
    id: process.process_id,
    sandbox_id: process.sandbox_id,
    run_id: process.run_id,
    task_id: process.task_id,
    command: process.command,
    args: [...process.args],
    env_keys: [...process.env_keys],
    cwd: process.cwd ?? '.',
    status: process.status,
    pid: process.pid,
    exit_code: process.exit_code,
    signal: process.signal,
    reason: process.reason,
    detached: process.detached,
    attach_output: process.attach_output,
    timeout_seconds: process.timeout_seconds,
    output_limit_bytes: process.output_limit_bytes,
    output: process.output ?? output ?? noOutput,
    created_at: process.created_at,
    started_at: process.started_at,
    ended_at: process.ended_at,
  };
}
