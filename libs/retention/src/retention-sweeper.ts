import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { byService, Streams, uuidv7 } from '#eventsourcing';
import { Database, Leader } from '#read-models';
import { RetentionSettings } from './retention-settings.js';
import { requestSweep, sweepDecider } from './sweep.decider.js';
import { sweepStream } from './sweep.events.js';
import { Sweeps } from './sweeps.js';

/** How often is looked for sweeps that were asked for, in milliseconds. */
const lookEvery = 250;

/** Carries out the sweeps that are asked for, and asks for one by itself when it is time, in one process of all. */
@Injectable()
export class RetentionSweeper {
  private readonly logger = new Logger('RetentionSweeper');
  private readonly leader: Leader;

  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly sweeps: Sweeps,
    private readonly settings: RetentionSettings,
  ) {
    this.leader = new Leader(database.url, 'retention_sweeper', (error) => {
      this.logger.error(`retention could not be swept: ${String(error)}; trying again`);
    });
  }

  start(): void {
    this.leader.start((signal) => this.lead(signal));
  }

  /** Resolves when the batch under way is done. */
  async stop(): Promise<void> {
    await this.leader.stop();
  }

  private async lead(signal: AbortSignal): Promise<void> {
    let next = Date.now();
    while (!signal.aborted) {
      const asked = await this.database.query<{ id: string; project_id: string }>(
        'SELECT id, project_id FROM retention.sweeps WHERE running ORDER BY id',
      );
      for (const { id, project_id } of asked) await this.sweeps.carryOut(project_id, id, signal);
      if (Date.now() >= next) {
        await this.sweepAll(signal);
        next = Date.now() + this.settings.intervalMs;
      }
      await pause(lookEvery, undefined, { signal }).catch(() => undefined);
    }
  }

  private async sweepAll(signal: AbortSignal): Promise<void> {
    await this.sweeps.settled();
    const projects = await this.database.query<{ id: string }>('SELECT id FROM access.projects ORDER BY id');
    for (const { id: project_id } of projects) {
      if (!(await this.sweeps.anyDue(project_id))) continue;
      const request = { operation_id: uuidv7(), project_id, trigger: 'interval' as const };
      const { state } = await this.streams.execute(
        sweepDecider,
        sweepStream(project_id),
        byService(project_id),
        // One that somebody asked for meanwhile does the same.
        (sweep) => (sweep?.status === 'running' ? [] : requestSweep(sweep, request)),
      );
      if (state !== undefined) await this.sweeps.carryOut(project_id, state.id, signal);
    }
  }
}
