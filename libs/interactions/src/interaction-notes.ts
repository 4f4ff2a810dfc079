import { Injectable } from '@nestjs/common';
import type { Causation, JsonObject } from '#eventsourcing';
import { derivedUuid, Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { appendEvents, isOver, type NewRunEvent, runDecider, runStream } from '#runs';
import type { InteractionState } from './interaction.decider.js';

/** Tells in the timelines of runs what they ask, and what became of it. */
@Injectable()
export class InteractionNotes {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  /**
   * Adds what the run's timeline has not told yet; a run that has ended tells nothing more. Done again, it
   * changes nothing.
   * @returns position of what the timeline tells last of the question; undefined when it tells nothing of it
   */
  async tell(interaction: InteractionState, causation: Causation): Promise<bigint | undefined> {
    const { run_id, session_id } = interaction;
    const notes = notesOf(interaction);
    const stream = runStream(run_id);
    const { state, position } = await this.streams.execute(runDecider, stream, causation, (run) =>
      run === undefined || isOver(run) ? [] : appendEvents(run, notes),
    );
    if (state === undefined || isOver(state)) return undefined;
    this.writes.wrote(run_id, position);
    if (session_id !== null) this.writes.wrote(session_id, position);
    return position;
  }
}

/** The question first, whoever comes first to tell of its end. */
function notesOf(interaction: InteractionState): NewRunEvent[] {
  const { id, token, kind, request, expires_at, status, response, reason } = interaction;
  const requested: NewRunEvent = {
    id: derivedUuid(id, 'requested'),
    type: 'interaction.requested',
    data: { interaction_id: id, token, kind, request, expires_at },
  };
  if (status === 'pending') return [requested];
  const data = {
    interaction_id: id,
    kind,
    status,
    ...(response !== null && { response: { ...response } as JsonObject }),
    ...(reason !== null && { reason }),
  };
  return [requested, { id: derivedUuid(id, 'resolved'), type: 'interaction.resolved', data }];
}
