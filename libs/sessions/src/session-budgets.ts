import { Injectable } from '@nestjs/common';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { reach, ReadModelClock } from '#http';
import { Database, RecentWrites, wellFormedJson } from '#read-models';
import { budgetPolicy } from './budgeted-sessions.js';
import { expectNotPaused, reached, weighBudget } from './budget.decider.js';
import { type Session, sessionDecider } from './session.decider.js';
import type { Budget, BudgetLimit } from './session.events.js';
import { sessionStream } from './session.events.js';
import type { SessionFigures } from './session.figures.js';
import { usedOf } from './session.usage.js';

const [doc, figures] = [wellFormedJson('doc'), wellFormedJson('figures')];

interface BudgetRow extends Pick<SessionFigures, 'usage' | 'forgiven'> {
  readonly budget: Budget | null;
  readonly paused_by: BudgetLimit | null;
  readonly budget_revision: number;
}

/** Holds what sessions have used against their budgets. */
@Injectable()
export class SessionBudgets {
  constructor(
    private readonly streams: Streams,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {}

  /**
   * Pauses or resumes a session by what it has used up to a position at least.
   * @throws ProblemError projection_lagging; StoreUnavailable
   */
  async weigh(id: string, position: bigint, causation: Causation): Promise<void> {
    await reach(this.clock, position, 'sessions');
    const [row] = await this.database.prepared<BudgetRow>(
      'session-budget',
      `SELECT ${doc}->'budget' AS budget, ${doc}->>'paused_by' AS paused_by,
         (${doc}->>'budget_revision')::int AS budget_revision,
         ${figures}->'usage' AS usage, ${figures}->'forgiven' AS forgiven
       FROM sessions.sessions WHERE id = $1 AND live`,
      [id],
    );
    if (row === undefined) return;
    const used = usedOf(row);
    if ((reached(row.budget, used, row.paused_by) ?? null) === row.paused_by) return;
    const weighed = await this.streams.execute(sessionDecider, sessionStream(id), causation, (session) =>
      session === undefined ? [] : weighBudget(session, used, row.budget_revision),
    );
    // Who is refused a run reads why.
    this.writes.wrote(id, weighed.position);
  }

  /**
   * Refuses work in a paused session.
   * @param seen position that the caller's consistency token stands for
   * @throws RuleViolation session_paused; ProblemError projection_lagging
   */
  async expectNotPaused(id: string, seen?: bigint): Promise<void> {
    const session = await this.current(id, seen);
    if (session !== undefined) expectNotPaused(session);
  }

  /** Whether the session takes no runs. @throws StoreUnavailable */
  async isPaused(id: string): Promise<boolean> {
    return (await this.current(id))?.paused_by != null;
  }

  /** Waits until all has been weighed that this process has just written, and that the caller has seen. */
  async weighed(id: string, seen?: bigint): Promise<void> {
    await this.writes.settled(budgetPolicy, id);
    if (seen !== undefined) await reach(this.clock, seen, budgetPolicy);
  }

  /** The session as its stream has it, of one with a budget after it was weighed. */
  private async current(id: string, seen?: bigint): Promise<Session> {
    const stream = sessionStream(id);
    const { state } = await this.streams.load(sessionDecider, stream);
    if (state?.budget == null) return state;
    await this.weighed(id, seen);
    return (await this.streams.load(sessionDecider, stream)).state;
  }
}
