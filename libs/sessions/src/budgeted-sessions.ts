import type { Fact, RecordedEvent } from '#eventsourcing';
import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import type { SessionFact } from './session.events.js';
import { sessionStream } from './session.events.js';

/** The name of the projection that pauses and resumes. */
export const budgetPolicy = 'budget_policy';

const sessions = sessionStream('');

/** Which sessions have ever had a budget, as the policy keeps it. */
export class BudgetedSessions extends Projection {
  readonly name = budgetPolicy;
  readonly version = 1;
  /** Those of runs are for the policy. */
  readonly prefixes = [sessions, 'run-'];
  readonly tables = 'CREATE TABLE budgeted (session_id uuid PRIMARY KEY);';
  readonly indexes = '';

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const given = new Set(events.filter(givesBudget).map(({ stream }) => stream.slice(sessions.length)));
    if (given.size === 0) return;
    await sql.query('INSERT INTO budgeted SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING', [
      arrayOf([...given]),
    ]);
  }
}

function givesBudget(event: RecordedEvent): boolean {
  const fact = event as Fact as SessionFact;
  return (fact.type === 'SessionCreated' || fact.type === 'SessionUpdated') && fact.data.budget != null;
}
