import { Injectable } from '@nestjs/common';
import { derivedUuid, reactionTo, type RecordedEvent, Streams } from '#eventsourcing';
import type { RunCompleted } from '#runs';
import { sessionDecider, sessionStream } from '#sessions';
import { sealingWith } from './sealing.js';
import { TimelineFold } from './timeline.fold.js';
import { appendSnapshot, type NewSegment } from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import { transcriptStream } from './transcript.events.js';
import { sessionOf, type TranscriptOwner } from './transcript-owner.js';
import { TranscriptSeeds } from './transcript-seeds.js';

/** A part has at most so many segments, and so many bytes of JSON unless it is a single one. */
const partSegments = 200;
const partBytes = 500_000;

/** Some of what a transcript keeps of a run. */
interface Part {
  readonly segments: readonly NewSegment[];
  /** Sequence number of the last of their events. */
  readonly through: number;
}

/** Writes what was said in a completed run into the transcript of its session, or into its own. */
@Injectable()
export class RunSnapshot {
  constructor(
    private readonly streams: Streams,
    private readonly seeds: TranscriptSeeds,
  ) {}

  /** Done again, it adds what is missing. @throws StoreUnavailable, RevisionConflict */
  async write(completed: RecordedEvent<RunCompleted>): Promise<void> {
    const { session_id } = completed.data;
    const owner: TranscriptOwner =
      session_id === undefined
        ? { kind: 'run', id: completed.stream.slice('run-'.length) }
        : { kind: 'session', id: session_id };
    if (owner.kind === 'session' && (await this.isDeleted(owner.id))) return;
    while (!(await this.writeMissing(completed, owner)));
  }

  private async isDeleted(id: string): Promise<boolean> {
    const { state } = await this.streams.load(sessionDecider, sessionStream(id));
    return state?.deleted_at != null;
  }

  /** Answers false when another process has written in between: what is missing must be found out again. */
  private async writeMissing(
    completed: RecordedEvent<RunCompleted>,
    owner: TranscriptOwner,
  ): Promise<boolean> {
    const stream = transcriptStream(owner.id);
    const run_id = completed.stream.slice('run-'.length);
    const { state } = await this.streams.load(transcriptDecider, stream);
    let after = state.snapshots.get(run_id) ?? 0;
    for await (const { segments, through } of this.parts(completed, after)) {
      const seal = sealingWith(await this.seeds.ensured(owner.id, completed.metadata.project));
      const part = { run_id, after, through };
      const { events } = await this.streams.execute(
        transcriptDecider,
        stream,
        reactionTo({
          ...completed,
          id: after === 0 ? completed.id : derivedUuid(completed.id, String(after)),
        }),
        (transcript) => appendSnapshot(transcript, part, segments, seal, sessionOf(owner)),
      );
      if (events.length === 0) return false;
      after = through;
    }
    return true;
  }

  /** What a transcript keeps of the run behind this sequence number, never more than a part of it at once. */
  private async *parts(
    { stream, revision }: RecordedEvent<RunCompleted>,
    after: number,
  ): AsyncGenerator<Part> {
    const fold = new TimelineFold();
    let segments: NewSegment[] = [];
    let bytes = 0;
    let through = after;
    for await (const event of this.streams.read(stream, { limit: revision })) {
      const segment = fold.segment(event);
      if (segment === undefined || event.revision < after) continue;
      const more = Buffer.byteLength(segment.json);
      if (segments.length === partSegments || (segments.length > 0 && bytes + more > partBytes)) {
        yield { segments, through };
        segments = [];
        bytes = 0;
      }
      segments.push(segment);
      bytes += more;
      through = event.revision + 1;
    }
    if (segments.length > 0) yield { segments, through };
  }
}
