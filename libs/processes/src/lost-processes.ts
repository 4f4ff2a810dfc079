import { Injectable } from '@nestjs/common';
import { type Causation, StoreUnavailable, Streams } from '#eventsourcing';
import { Database, ReadModelClock } from '#read-models';
import { OutputFeed } from './output-feed.js';
import { endProcess, processDecider } from './process.decider.js';
import { processStream } from './process.events.js';
import { ProcessKeys } from './process-keys.js';
import { RunTeller } from './run-teller.js';
import { liveProcessesOf } from './sandbox-rows.js';

/** How long is waited for the read model to know all processes of a sandbox; who asks then asks again. */
const patience = 5_000;

/** Puts on record the end of processes whose host will not do so any more. */
@Injectable()
export class LostProcesses {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly streams: Streams,
    private readonly keys: ProcessKeys,
    private readonly teller: RunTeller,
  ) {}

  /** All processes of a sandbox that were requested before the position. @throws StoreUnavailable */
  async ofSandbox(id: string, position: bigint, causation: () => Causation): Promise<void> {
    if (!(await this.clock.reached('processes', position, patience))) {
      throw new StoreUnavailable('the read model of the processes has not come to the end of their sandbox');
    }
    const processes = await liveProcessesOf(this.database, id);
    await Promise.all(processes.map((process) => this.end(process, causation())));
  }

  /** One process, unless its end is on record. @throws StoreUnavailable */
  async end(id: string, causation: Causation): Promise<void> {
    const output = await new OutputFeed(this.streams, id, 'stdout').figures();
    const { state } = await this.streams.execute(processDecider, processStream(id), causation, (process) =>
      endProcess(process, { status: 'lost', reason: 'host_lost', output }),
    );
    if (state === undefined) return;
    await this.teller.exited(state, causation);
    await this.keys.forget(id);
  }
}
