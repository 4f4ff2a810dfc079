import { Inject, Injectable } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { reactionTo, Streams } from '#eventsourcing';
import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import { isOver, runDecider, runEnds, runStream } from '#runs';
import { cancel, interactionDecider } from './interaction.decider.js';
import { type InteractionFact, interactionStream, interactionStreams } from './interaction.events.js';
import { InteractionChanges } from './interaction-changes.js';
import { InteractionNotes } from './interaction-notes.js';
import { OpenInteractions } from './open-interactions.js';

const runs = runStream('');
const runEnded = 'the run has ended';

/**
 * Cancels the open questions of runs that end, and has runs tell of their questions, should the process
 * that changed one have died before doing so. It keeps by itself which questions are open, so that none is
 * missed. Everything in it may be done twice.
 */
@Injectable()
export class InteractionPolicy extends OpenInteractions {
  override readonly rows = new OpenInteractions();
  constructor(
    @Inject(Streams) private readonly streams: Streams,
    @Inject(InteractionNotes) private readonly notes: InteractionNotes,
    @Inject(InteractionChanges) private readonly changes: InteractionChanges,
  ) {
    super();
  }

  override async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const told = events.filter(({ stream }) => stream.startsWith(interactionStreams));
    const ends = events.filter((event) => event.stream.startsWith(runs) && runEnds(event));
    await super.apply(sql, told);
    for (const event of told) await this.react(event);
    if (ends.length > 0) await this.cancelOf(sql, ends);
  }

  private async react(event: RecordedEvent): Promise<void> {
    const { state } = await this.streams.load(interactionDecider, event.stream);
    if (state === undefined) return;
    await this.notes.tell(state, reactionTo(event));
    if ((event as Fact as InteractionFact).type !== 'InteractionRequested') return;
    const { state: run } = await this.streams.load(runDecider, runStream(state.run_id));
    if (run !== undefined && isOver(run)) await this.cancel(state.id, event);
  }

  private async cancelOf(sql: Sql, ends: readonly RecordedEvent[]): Promise<void> {
    const byRun = new Map(ends.map((event) => [event.stream.slice(runs.length), event]));
    const open = await sql.query<{ interaction_id: string; run_id: string }>(
      'SELECT interaction_id, run_id FROM open WHERE run_id = ANY ($1::uuid[]) ORDER BY interaction_id',
      [arrayOf([...byRun.keys()])],
    );
    for (const { interaction_id, run_id } of open) {
      const end = byRun.get(run_id);
      if (end !== undefined) await this.cancel(interaction_id, end);
    }
  }

  private async cancel(id: string, because: RecordedEvent): Promise<void> {
    const { state } = await this.streams.load(interactionDecider, interactionStream(id));
    if (state?.status !== 'pending') return;
    await this.changes.change(id, reactionTo(because), (now) =>
      now?.status === 'pending' ? cancel(now, runEnded) : [],
    );
  }
}
