import { Injectable } from '@nestjs/common';
import type { JsonObject, Principal } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import type { RunEventRecorded, RunStatus } from '#runs';
import { noFigures, type SessionFigures } from './session.figures.js';
import { SessionRuns } from './session-runs.js';
import { Sessions } from './sessions.js';
import type { SummaryResource } from './summary.resource.js';

const outcome: Readonly<Record<RunStatus, SummaryResource['status']>> = {
  pending: 'idle',
  running: 'running',
  completed: 'completed',
  failed: 'incomplete',
  cancelled: 'incomplete',
};

/** Says in a few words how a session stands. */
@Injectable()
export class SessionSummary {
  constructor(
    private readonly streams: Streams,
    private readonly sessions: Sessions,
    private readonly runs: SessionRuns,
  ) {}

  /** @throws RuleViolation not_found, session_deleted */
  async of(principal: Principal, id: string): Promise<SummaryResource> {
    const { session, figures = noFigures } = await this.sessions.known(principal, id);
    const last = figures.last_run === null ? undefined : await this.runs.standing(figures.last_run);
    return {
      session_id: id,
      title: session.title ?? figures.preview ?? `Session ${id.slice(0, 8)}`,
      created_at: session.created_at,
      status: last === undefined ? 'idle' : outcome[last.status],
      done_reason: last?.done_reason ?? null,
      running: last?.status === 'running' || figures.run_counts.running > 0,
      context: await this.context(figures),
      archived: session.archived_at !== null,
    };
  }

  /** The data of the last `context` event, read where it stands. */
  private async context({ context }: SessionFigures): Promise<JsonObject> {
    if (context === null) return {};
    for await (const { data } of this.streams.read(context.stream, { from: context.revision, limit: 1 })) {
      return (data as RunEventRecorded['data']).data;
    }
    return {};
  }
}
