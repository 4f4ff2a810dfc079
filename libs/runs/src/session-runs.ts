import { Injectable } from '@nestjs/common';
import type { Causation } from '#eventsourcing';
import { SessionRuns } from '#sessions';
import { RunCanceller } from './run-canceller.js';

/** What the sessions ask of the runs. */
@Injectable()
export class RunsOfSession extends SessionRuns {
  constructor(private readonly canceller: RunCanceller) {
    super();
  }

  end(sessionId: string, position: bigint, causation: Causation): Promise<bigint | undefined> {
    return this.canceller.cancelOfSession(sessionId, position, causation);
  }
}
