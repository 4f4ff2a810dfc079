import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation, Principal } from '#eventsourcing';
import { referenced, Streams } from '#eventsourcing';
import { Database, inTurn, RecentWrites } from '#read-models';
import { findRun } from '#runs';
import { findSession } from '#sessions';
import { type LegalHold, legalHoldDecider, placeHold } from './legal-hold.decider.js';
import { type HoldSubject, legalHoldStream } from './legal-hold.events.js';
import type { PlaceLegalHoldBody } from './retention.bodies.js';
import { turnOf } from './turn.js';

export interface PlacedHold {
  readonly hold: LegalHold;
  readonly position: bigint | undefined;
}

export class PlaceHold extends Command<PlacedHold> {
  constructor(
    readonly body: PlaceLegalHoldBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** Waits for the batch that is just being removed: what is there after the answer stays. @throws RuleViolation unknown_reference */
@CommandHandler(PlaceHold)
export class PlaceHoldHandler implements ICommandHandler<PlaceHold> {
  constructor(
    private readonly streams: Streams,
    private readonly database: Database,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ body, causation }: PlaceHold): Promise<PlacedHold> {
    const { principal } = causation;
    const subject = await this.subject(body, principal);
    const hold_id = causation.mint();
    const project_id = principal.projectId;
    const data = { hold_id, project_id, subject, reason: body.reason };
    const { state, position } = await inTurn(this.database.url, turnOf(project_id), () =>
      this.streams.execute(legalHoldDecider, legalHoldStream(project_id), causation, (holds) =>
        placeHold(holds, data),
      ),
    );
    this.writes.wrote(hold_id, position);
    return { hold: state.get(hold_id) as LegalHold, position };
  }

  /** Users are not kept by the service: any id may be one's. */
  private async subject({ subject }: PlaceLegalHoldBody, principal: Principal): Promise<HoldSubject> {
    const { session_id, run_id, user_id } = subject;
    if (session_id != null) {
      await referenced(findSession(this.streams, principal, session_id), '/subject/session_id');
      return { session_id };
    }
    if (user_id != null) return { user_id };
    const id = run_id ?? '';
    await referenced(findRun(this.streams, principal, id), '/subject/run_id');
    return { run_id: id };
  }
}
