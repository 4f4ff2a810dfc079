import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { byService } from '#eventsourcing';
import { Database, Leader, ReadModelClock, together } from '#read-models';
import { InteractionChanges } from './interaction-changes.js';
import { expire } from './interaction.decider.js';

const batchSize = 500;
/** How late a question may expire, in milliseconds. */
const lookEvery = 1_000;
/** How long a round waits until the read model shows what it did, in milliseconds. */
const patience = 1_000;

/** The open questions whose time is over by $1. */
export const expiredSql = `SELECT id, project_id FROM interactions.interactions
  WHERE status = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT ${batchSize}`;

interface Expired {
  readonly id: string;
  readonly project_id: string;
}

/**
 * Ends the questions whose time is over, by the clock of this process. The read model says where to look;
 * whether a question is open is decided on its own stream.
 */
@Injectable()
export class InteractionSweeper {
  private readonly logger = new Logger('InteractionSweeper');
  private readonly leader: Leader;

  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly changes: InteractionChanges,
  ) {
    this.leader = new Leader(database.url, 'interaction_sweeper', (error) => {
      this.logger.error(`expired interactions could not be swept: ${String(error)}; trying again`);
    });
  }

  /** Sweeps from now on, in one process at a time. */
  start(): void {
    this.leader.start(async (signal) => {
      while (!signal.aborted) {
        if (!(await this.round())) await pause(lookEvery, undefined, { signal }).catch(() => undefined);
      }
    });
  }

  async stop(): Promise<void> {
    await this.leader.stop();
  }

  /** @returns whether there may be more to do at once */
  private async round(): Promise<boolean> {
    const now = Date.now();
    const due = await this.database.prepared<Expired>('expired-interactions', expiredSql, [new Date(now)]);
    const ends = await together(due, ({ id, project_id }) =>
      this.changes.change(id, byService(project_id), (interaction) => expire(interaction, now)),
    );
    let swept = 0n;
    for (const { position = 0n } of ends) if (position > swept) swept = position;
    if (swept > 0n) await this.clock.reached('interactions', swept, patience);
    return due.length === batchSize;
  }
}
