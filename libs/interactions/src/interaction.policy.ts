import { Inject, Injectable } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { reactionTo, Streams } from '#eventsourcing';
import { arrayOf } from '#postgres';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import { isOver, runDecider, runEnds, runStream } from '#runs';
import { cancel, interactionDecider } from './interaction.decider.js';
import {
  type InteractionFact,
  type InteractionRequested,
  interactionStream,
  interactionStreams,
} from './interaction.events.js';
import { InteractionChanges } from './interaction-changes.js';
import { InteractionNotes } from './interaction-notes.js';

const runs = runStream('');
const runEnded = 'the run has ended';

/**
 * Cancels the open questions of runs that end, and has runs tell of their questions, should the process
 * that changed one have died before doing so. It keeps by itself which questions are open, so that none is
 * missed. Everything in it may be done twice.
 */
@Injectable()
export class InteractionPolicy extends Projection {
  readonly name = 'interaction_policy';
  readonly version = 1;
  readonly prefixes = [interactionStreams, runs];

  readonly tables = `
    CREATE TABLE open (
      interaction_id uuid PRIMARY KEY,
      run_id uuid NOT NULL
    );
    CREATE INDEX open_run ON open (run_id);`;

  readonly indexes = '';

  constructor(
    @Inject(Streams) private readonly streams: Streams,
    @Inject(InteractionNotes) private readonly notes: InteractionNotes,
    @Inject(InteractionChanges) private readonly changes: InteractionChanges,
  ) {
    super();
  }

  async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const told = events.filter(({ stream }) => stream.startsWith(interactionStreams));
    const ends = events.filter((event) => event.stream.startsWith(runs) && runEnds(event));
    await this.keepOpen(sql, told);
    for (const event of told) await this.react(event);
    if (ends.length > 0) await this.cancelOf(sql, ends);
  }

  private async keepOpen(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const opened = new Map<string, string>();
    const closed = new Set<string>();
    for (const { stream, type, data } of events) {
      const id = stream.slice(interactionStreams.length);
      if (type === 'InteractionRequested') opened.set(id, (data as InteractionRequested['data']).run_id);
      else closed.add(id);
    }
    if (opened.size > 0) {
      await sql.query('INSERT INTO open SELECT * FROM unnest($1::uuid[], $2::uuid[])', [
        arrayOf([...opened.keys()]),
        arrayOf([...opened.values()]),
      ]);
    }
    if (closed.size > 0) {
      await sql.query('DELETE FROM open WHERE interaction_id = ANY ($1::uuid[])', [arrayOf([...closed])]);
    }
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
