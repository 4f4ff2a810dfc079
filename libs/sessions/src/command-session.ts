import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { findSession } from './find-session.js';
import { sessionDecider, type SessionState } from './session.decider.js';
import { requestCompaction } from './session-changes.decider.js';
import { sessionStream } from './session.events.js';
import { SessionRuns } from './session-runs.js';
import type { CommandedResource } from './summary.resource.js';

export interface Commanded {
  readonly answer: CommandedResource;
  readonly position: bigint | undefined;
}

export class CommandSession extends Command<Commanded> {
  constructor(
    readonly id: string,
    readonly verb: '/terminate' | '/compact',
    readonly causation: Causation,
  ) {
    super();
  }
}

/** Carries out what a user types into a session. @throws RuleViolation not_found, session_deleted */
@CommandHandler(CommandSession)
export class CommandSessionHandler implements ICommandHandler<CommandSession> {
  constructor(
    private readonly streams: Streams,
    private readonly runs: SessionRuns,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ id, verb, causation }: CommandSession): Promise<Commanded> {
    await findSession(this.streams, causation.principal, id);
    const done = await (verb === '/compact' ? this.compact(id, causation) : this.terminate(id, causation));
    this.writes.wrote(id, done.position);
    return done;
  }

  private async terminate(id: string, causation: Causation): Promise<Commanded> {
    const { state, position: seen } = await this.streams.load(sessionDecider, sessionStream(id));
    const cancelled = await this.runs.cancel(state?.holders ?? [], 'terminated by command', causation);
    if (cancelled === undefined) return { answer: { status: 'no_op' }, position: seen };
    const { run_id, position } = cancelled;
    return { answer: { status: 'cancelled', run_id }, position };
  }

  private async compact(id: string, causation: Causation): Promise<Commanded> {
    const { position } = await this.streams.execute(sessionDecider, sessionStream(id), causation, (session) =>
      requestCompaction(session as SessionState),
    );
    return { answer: { status: 'requested' }, position };
  }
}
