import { Injectable } from '@nestjs/common';
import { visible } from '#access';
import { type Causation, RuleViolation, Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { originOf } from './find-session.js';
import { Reservations } from './reservations.js';
import type { ForkSessionBody } from './session.bodies.js';
import { sessionDecider, type SessionState } from './session.decider.js';
import { createSession, forkOf } from './session-changes.decider.js';
import { type SessionBirth, sessionStream } from './session.events.js';
import { SessionPast } from './session-past.js';
import { SessionRuns } from './session-runs.js';
import { SharedTranscripts } from './shared-transcripts.js';

export interface ForkedSession {
  readonly session: SessionState;
  readonly position: bigint | undefined;
}

/** Makes forks: sessions that share the history of another up to a point, and go on by themselves. */
@Injectable()
export class SessionForks {
  constructor(
    private readonly streams: Streams,
    private readonly past: SessionPast,
    private readonly runs: SessionRuns,
    private readonly transcripts: SharedTranscripts,
    private readonly reservations: Reservations,
    private readonly writes: RecentWrites,
  ) {}

  /**
   * @param alias which the fork takes before it is there; the sessions are yet to say so
   * @throws RuleViolation not_found, session_deleted, session_busy, alias_taken;
   *   ProblemError validation_failed, projection_lagging
   */
  async fork(
    source: string,
    body: ForkSessionBody,
    causation: Causation,
    alias?: string,
  ): Promise<ForkedSession> {
    const id = causation.mint();
    const stream = sessionStream(id);
    // What an earlier attempt has finished does not depend on how the source stands now.
    const done = causation.recovering && (await this.session(id)) !== undefined;
    const birth = done ? undefined : await this.birth(id, source, body, causation);
    if (birth !== undefined && alias !== undefined) {
      await this.reservations.takeAlias(birth.project_id, alias, id, birth.user_id, causation);
    }
    const { state, position } = await this.streams.execute(
      sessionDecider,
      stream,
      causation,
      (session) => (birth === undefined ? [] : createSession(session, birth)),
      { minted: true },
    );
    this.writes.wrote(id, position);
    return { session: state as SessionState, position };
  }

  private async birth(
    session_id: string,
    source: string,
    { title, tags, ...asked }: ForkSessionBody,
    causation: Causation,
  ): Promise<SessionBirth> {
    const { principalId: owner_principal_id } = causation.principal;
    const { holders } = await this.source(source, causation);
    const point = await this.past.point(source, asked);
    const run_id = await this.runs.running(source, holders);
    if (run_id !== undefined) {
      throw new RuleViolation('session_busy', `run ${run_id} of the session is running`, { run_id });
    }
    const forked_from = await this.transcripts.share(source, session_id, point, causation);
    const { sequence_number } = forked_from;
    const origin = await originOf(this.streams, source, sequence_number);
    const was = await this.past.at(origin, (place) => place <= sequence_number);
    if (was === undefined) throw new Error(`there is no event ${sequence_number} of session ${origin}`);
    const { preview, output_preview, context } = was.figures;
    return forkOf(was.session, {
      ...{ session_id, owner_principal_id, forked_from },
      inherited: { preview, output_preview, context },
      ...(title != null && { title }),
      ...(tags != null && { tags }),
    });
  }

  private async source(id: string, { principal }: Causation): Promise<SessionState> {
    const session = await this.session(id);
    if (session === undefined || !visible(principal, session)) {
      throw new RuleViolation('not_found', `there is no session ${id}`);
    }
    if (session.deleted_at !== null) throw new RuleViolation('session_deleted', 'the session was deleted');
    return session;
  }

  private async session(id: string): Promise<SessionState | undefined> {
    return (await this.streams.load(sessionDecider, sessionStream(id))).state;
  }
}
