import { IsOptional, ValidateIf } from 'class-validator';
import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Causation, Json } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { IsJson, IsText, ProblemError, requireRevision } from '#http';
import { findSession } from './find-session.js';
import { keepState, type KeptState, sessionStateDecider, type StateChange } from './session-state.decider.js';
import { sessionStateStream } from './session-state.events.js';

const mostBytes = 512 * 1024;

/** The state as it is to be; a `sandbox_id` that is absent stays. */
export class KeepStateBody {
  @IsJson()
  data: Json;

  @IsOptional()
  @IsText(1_000, { least: 1 })
  sandbox_id?: string | null;
}

export class PointSandboxBody {
  /** Null clears the pointer. */
  @ValidateIf((_body, value) => value !== null)
  @IsText(1_000, { least: 1 })
  sandbox_id: string | null;
}

/** What is kept for a session's workers; null where nothing is. */
@ApiSchema({ name: 'SessionState' })
export class KeptStateResource {
  /** Any JSON. */
  @ApiProperty({ nullable: true })
  data: Json;
  sandbox_id: string | null;
  updated_at: string | null;
}

export interface Kept {
  readonly state: KeptState;
  readonly revision: number;
  readonly position: bigint | undefined;
}

export class KeepState extends Command<Kept> {
  constructor(
    readonly id: string,
    readonly change: StateChange,
    readonly causation: Causation,
    readonly expected: number | undefined,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted; ProblemError payload_too_large, revision_mismatch */
@CommandHandler(KeepState)
export class KeepStateHandler implements ICommandHandler<KeepState> {
  constructor(private readonly streams: Streams) {}

  async execute({ id, change, causation, expected }: KeepState): Promise<Kept> {
    await findSession(this.streams, causation.principal, id);
    expectSmall(change.data);
    const { state, revision, position } = await this.streams.execute(
      sessionStateDecider,
      sessionStateStream(id),
      causation,
      (now, at) => {
        requireRevision(expected, at + 1);
        return keepState(now, id, change);
      },
    );
    return { state, revision: revision + 1, position };
  }
}

function expectSmall(data: Json | undefined): void {
  if (data === undefined || Buffer.byteLength(JSON.stringify(data)) <= mostBytes) return;
  const detail = `must be at most ${mostBytes} bytes (512 KiB) as JSON`;
  throw new ProblemError('payload_too_large', `data ${detail}.`, { errors: [{ pointer: '/data', detail }] });
}
