import { Injectable } from '@nestjs/common';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { Database } from '#read-models';
import { SessionRuns } from '#sessions';
import { RunCanceller } from './run-canceller.js';
import { isOver, runDecider } from './run.decider.js';
import { type RunStatus, runStream } from './run.events.js';

/** What the sessions ask of the runs. */
@Injectable()
export class RunsOfSession extends SessionRuns {
  constructor(
    private readonly streams: Streams,
    private readonly canceller: RunCanceller,
    private readonly database: Database,
  ) {
    super();
  }

  /** Runs with a parent hold no session: which of them may be running is what the read model is asked for. */
  async running(sessionId: string, holders: readonly string[]): Promise<string | undefined> {
    const rows = await this.database.query<{ id: string }>(
      "SELECT id FROM runs.runs WHERE session_id = $1 AND status = 'running' ORDER BY id LIMIT 100",
      [sessionId],
    );
    for (const id of new Set([...holders, ...rows.map((row) => row.id)])) {
      if ((await this.standing(runStream(id)))?.status === 'running') return id;
    }
    return undefined;
  }

  end(sessionId: string, position: bigint, causation: Causation): Promise<bigint | undefined> {
    return this.canceller.cancelOfSession(sessionId, position, causation);
  }

  async cancel(
    ids: readonly string[],
    reason: string,
    causation: Causation,
  ): Promise<{ run_id: string; position: bigint | undefined } | undefined> {
    let first: string | undefined;
    let last: bigint | undefined;
    for (const id of ids) {
      const { state } = await this.streams.load(runDecider, runStream(id));
      if (state === undefined || isOver(state)) continue;
      const { changed, position } = await this.canceller.cancel(id, reason, causation);
      if (!changed) continue;
      first ??= id;
      if (position !== undefined && (last === undefined || position > last)) last = position;
    }
    return first === undefined ? undefined : { run_id: first, position: last };
  }

  async standing(stream: string): Promise<{ status: RunStatus; done_reason: string | null } | undefined> {
    return (await this.streams.load(runDecider, stream)).state;
  }
}
