import { Inject, Injectable } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { reactionTo } from '#eventsourcing';
import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import type { RunFact } from '#runs';
import { BudgetedSessions } from './budgeted-sessions.js';
import { SessionBudgets } from './session-budgets.js';
import type { SessionFact } from './session.events.js';
import { sessionStream } from './session.events.js';
import { changesUsage } from './session.usage.js';

const runs = 'run-';
const sessions = sessionStream('');

/**
 * Pauses sessions that have used up their budget, and resumes those whose budget was raised. It keeps by itself
 * which sessions have ever had a budget, so that all others cost it nothing. Everything in it may be done twice.
 */
@Injectable()
export class BudgetPolicy extends BudgetedSessions {
  override readonly rows = new BudgetedSessions();
  constructor(@Inject(SessionBudgets) private readonly budgets: SessionBudgets) {
    super();
  }

  override async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    await super.apply(sql, events);
    // The newest event of a session stands for all before it: what was used is asked after it.
    const weighty = new Map<string, RecordedEvent>();
    for (const event of events) {
      const id = weighs(event);
      if (id !== undefined) weighty.set(id, event);
    }
    if (weighty.size === 0) return;
    const known = await sql.query<{ session_id: string }>(
      'SELECT session_id FROM budgeted WHERE session_id = ANY ($1::uuid[]) ORDER BY session_id',
      [arrayOf([...weighty.keys()])],
    );
    for (const { session_id } of known) {
      const event = weighty.get(session_id);
      if (event !== undefined) await this.budgets.weigh(session_id, event.position, reactionTo(event));
    }
  }
}

/** The session whose budget an event may use up, or otherwise has to do with. */
function weighs(event: RecordedEvent): string | undefined {
  if (event.stream.startsWith(runs)) {
    const fact = event as Fact as RunFact;
    return changesUsage(fact) ? fact.data.session_id : undefined;
  }
  const fact = event as Fact as SessionFact;
  switch (fact.type) {
    case 'SessionUpdated':
      return fact.data.budget === undefined ? undefined : event.stream.slice(sessions.length);
    case 'SessionPaused':
    case 'SessionResumed':
      return event.stream.slice(sessions.length);
    default:
      return undefined;
  }
}
