import { Injectable } from '@nestjs/common';
import type { Causation, JsonObject, RecordedEvent } from '#eventsourcing';
import { continuationOf, RuleViolation, Streams } from '#eventsourcing';
import type { ClaimMode, SessionRunClaimed } from '#sessions';
import { claimSession, sessionDecider, sessionStream } from '#sessions';
import { RunCanceller } from './run-canceller.js';
import type { Run } from './run.decider.js';
import { createRun } from './run-changes.decider.js';
import { isOver, runDecider } from './run.decider.js';
import type { RunBirth } from './run.events.js';
import { runStream } from './run.events.js';

type Claim = RecordedEvent<SessionRunClaimed>;

const attempts = 50;
const steered = 'steered: another run took over the session';

/** Lets runs hold their session: an event in the session's stream, which carries the run's whole birth. */
@Injectable()
export class RunClaims {
  constructor(
    private readonly streams: Streams,
    private readonly canceller: RunCanceller,
  ) {}

  /**
   * Claims the session for a run that does not exist yet.
   * @returns the run's birth, with the runs that it must wait for
   * @throws RuleViolation session_busy, session_deleted
   */
  async claim(sessionId: string, mode: ClaimMode, birth: RunBirth, causation: Causation): Promise<RunBirth> {
    for (let attempt = 1; ; attempt++) {
      const over = await this.over(sessionId, mode, causation);
      try {
        return await this.append(sessionId, mode, over, birth, causation);
      } catch (error) {
        const overtaken = error instanceof RuleViolation && error.code === 'session_busy' && mode === 'steer';
        if (!overtaken || attempt === attempts) throw error;
      }
    }
  }

  /** Creates the run of a claim whose writer died, or lingers, before it could: just as the writer would have. */
  async finish(claim: Claim): Promise<Run> {
    const birth = birthIn(claim);
    const stream = runStream(birth.run_id);
    const command = continuationOf(claim);
    return (await this.streams.execute(runDecider, stream, command, (run) => createRun(run, birth))).state;
  }

  private async append(
    sessionId: string,
    mode: ClaimMode,
    over: ReadonlySet<string>,
    birth: RunBirth,
    causation: Causation,
  ): Promise<RunBirth> {
    const { events } = await this.streams.execute(
      sessionDecider,
      sessionStream(sessionId),
      causation,
      (session) => {
        if (session === undefined) throw new RuleViolation('unknown_reference', `no session ${sessionId}`);
        return claimSession(session, mode, over, birth.run_id, (behind) => claimed(birth, behind));
      },
    );
    const claim =
      (events.find(({ type }) => type === 'SessionRunClaimed') as SessionRunClaimed | undefined) ??
      // It holds the session already: another process is at the same work.
      (await this.claimOf(sessionId, birth.run_id));
    return claim === undefined ? birth : birthIn(claim);
  }

  /** The holders that have ended, asked of their own streams; to steer is to see to it that they have. */
  private async over(sessionId: string, mode: ClaimMode, causation: Causation): Promise<Set<string>> {
    const { state } = await this.streams.load(sessionDecider, sessionStream(sessionId));
    const ended = await Promise.all(
      (state?.holders ?? []).map(async (id) => {
        const run = await this.holder(sessionId, id);
        // Whose claim is not stored yet holds the session all the same: it is about to be.
        if (run === undefined) return [];
        if (isOver(run)) return [id];
        if (mode !== 'steer') return [];
        const { run: ended } = await this.canceller.cancel(id, steered, causation);
        return isOver(ended) ? [id] : [];
      }),
    );
    return new Set(ended.flat());
  }

  private async holder(sessionId: string, id: string): Promise<Run> {
    const { state } = await this.streams.load(runDecider, runStream(id));
    if (state !== undefined) return state;
    const claim = await this.claimOf(sessionId, id);
    return claim && this.finish(claim);
  }

  private async claimOf(sessionId: string, id: string): Promise<Claim | undefined> {
    const claim = await this.streams.findLast(
      sessionStream(sessionId),
      (event) =>
        event.type === 'SessionRunClaimed' && (event.data as SessionRunClaimed['data']).run.run_id === id,
    );
    return claim as Claim | undefined;
  }
}

const birthIn = ({ data }: SessionRunClaimed): RunBirth => data.run as unknown as RunBirth;

const claimed = (birth: RunBirth, behind: readonly string[]): JsonObject & { run_id: string } =>
  ({ ...birth, ...(behind.length > 0 && { behind: [...behind] }) }) as object as ReturnType<typeof claimed>;
