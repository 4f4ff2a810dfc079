import { Inject, Injectable } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { reactionTo, Streams } from '#eventsourcing';
import type { Sql } from '#read-models';
import { Projection, together } from '#read-models';
import { LostProcesses } from './lost-processes.js';
import { processDecider } from './process.decider.js';
import type { ProcessFact } from './process.events.js';
import { ProcessKeys } from './process-keys.js';
import { RunTeller } from './run-teller.js';
import { isGone, sandboxDecider } from './sandbox.decider.js';
import { type SandboxFact, sandboxStream } from './sandbox.events.js';

/**
 * Sees to what must follow from an event of a sandbox or process, should the host have died before doing so.
 * Everything in it may be done twice.
 */
@Injectable()
export class ProcessPolicy extends Projection {
  readonly name = 'process_policy';
  readonly version = 1;
  readonly prefixes = ['sandbox-', 'process-'];
  readonly tables = '';
  readonly indexes = '';

  constructor(
    @Inject(Streams) private readonly streams: Streams,
    @Inject(ProcessKeys) private readonly keys: ProcessKeys,
    @Inject(RunTeller) private readonly teller: RunTeller,
    @Inject(LostProcesses) private readonly lost: LostProcesses,
  ) {
    super();
  }

  async apply(_sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    await together(events, (event) => this.react(event));
  }

  private async react(event: RecordedEvent): Promise<void> {
    const fact = event as Fact as SandboxFact | ProcessFact;
    const id = event.stream.slice(event.stream.indexOf('-') + 1);
    switch (fact.type) {
      case 'SandboxClosed':
        await this.lost.ofSandbox(id, event.position, () => reactionTo(event));
        return;
      case 'ProcessRequested': {
        const { state } = await this.streams.load(sandboxDecider, sandboxStream(fact.data.sandbox_id));
        if (state !== undefined && isGone(state)) await this.lost.end(id, reactionTo(event));
        return;
      }
      case 'ProcessStarted': {
        const { state } = await this.streams.load(processDecider, event.stream);
        if (state !== undefined) await this.teller.started(state, reactionTo(event));
        return;
      }
      case 'ProcessEnded': {
        const { state } = await this.streams.load(processDecider, event.stream);
        if (state !== undefined) await this.teller.exited(state, reactionTo(event));
        await this.keys.forget(id);
        return;
      }
      default:
    }
  }
}
