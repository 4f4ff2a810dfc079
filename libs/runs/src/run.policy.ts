import { Inject, Injectable } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { reactionTo, Streams } from '#eventsourcing';
import type { Sql } from '#read-models';
import { Projection, together } from '#read-models';
import type { SessionFact, SessionRunClaimed } from '#sessions';
import { sessionDecider, sessionStream } from '#sessions';
import { RunCanceller } from './run-canceller.js';
import { RunClaims } from './run-claims.js';
import { runDecider } from './run.decider.js';
import type { RunBirth, RunFact } from './run.events.js';
import { runStream } from './run.events.js';

/**
 * Sees to what must follow elsewhere from a run's or session's event, should the process that wrote
 * it have died before doing so. Everything in it may be done twice.
 */
@Injectable()
export class RunPolicy extends Projection {
  readonly name = 'run_policy';
  readonly version = 1;
  readonly prefixes = ['run-', 'session-'];
  readonly tables = '';
  readonly indexes = '';

  constructor(
    @Inject(Streams) private readonly streams: Streams,
    @Inject(RunCanceller) private readonly canceller: RunCanceller,
    @Inject(RunClaims) private readonly claims: RunClaims,
  ) {
    super();
  }

  async apply(_sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    await together(events, (event) => this.react(event));
  }

  private async react(event: RecordedEvent): Promise<void> {
    const fact = event as Fact as RunFact | SessionFact;
    switch (fact.type) {
      case 'RunCancelled':
        await this.canceller.expectAllKnown(event.position);
        await this.canceller.cancelChildren(idOf(event), event.position, reactionTo(event));
        return;
      case 'RunCreated':
        await this.followParent(fact.data, event);
        await this.followSession(fact.data, event);
        return;
      case 'SessionRunClaimed':
        if ((await this.streams.glance(runDecider, runStream(fact.data.run.run_id))) !== undefined) return;
        await this.claims.finish(event as RecordedEvent<SessionRunClaimed>);
        return;
      case 'SessionDeleted':
        await this.canceller.expectAllKnown(event.position);
        await this.canceller.cancelOfSession(idOf(event), event.position, reactionTo(event));
        return;
      default:
    }
  }

  private async followParent(
    { parent_run_id: parent, run_id }: RunBirth,
    event: RecordedEvent,
  ): Promise<void> {
    if (parent === undefined) return;
    const { state } = await this.streams.load(runDecider, runStream(parent));
    if (state?.status !== 'cancelled') return;
    await this.canceller.cancel(run_id, `parent run ${parent} was cancelled`, reactionTo(event));
  }

  private async followSession(
    { session_id: session, run_id }: RunBirth,
    event: RecordedEvent,
  ): Promise<void> {
    if (session === undefined) return;
    const { state } = await this.streams.load(sessionDecider, sessionStream(session));
    if (state?.deleted_at == null) return;
    await this.canceller.cancel(run_id, `session ${session} was deleted`, reactionTo(event));
  }
}

const idOf = ({ stream }: RecordedEvent): string => stream.slice(stream.indexOf('-') + 1);
