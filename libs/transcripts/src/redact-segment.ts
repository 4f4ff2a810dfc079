import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { ownerOf } from './shared-ranges.decider.js';
import { redact } from './transcript-changes.decider.js';
import { type Redaction, transcriptDecider } from './transcript.decider.js';
import { transcriptStream } from './transcript.events.js';
import { findOwner, type TranscriptOwner } from './transcript-owner.js';
import { TranscriptSeeds } from './transcript-seeds.js';

export interface Redacted {
  readonly redaction: Redaction;
  /** Undefined when the segment had been redacted before. */
  readonly position: bigint | undefined;
}

export class RedactSegment extends Command<Redacted> {
  constructor(
    readonly owner: TranscriptOwner,
    readonly seq: number,
    readonly reason: string,
    readonly causation: Causation,
  ) {
    super();
  }
}

/**
 * Answers when the content can no longer be read from the store, through whatever session. A segment that was
 * redacted before keeps the first reason. @throws RuleViolation not_found, session_deleted, gone
 */
@CommandHandler(RedactSegment)
export class RedactSegmentHandler implements ICommandHandler<RedactSegment> {
  constructor(
    private readonly streams: Streams,
    private readonly seeds: TranscriptSeeds,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ owner, seq, reason, causation }: RedactSegment): Promise<Redacted> {
    await findOwner(this.streams, causation.principal, owner);
    const shown = await this.streams.load(transcriptDecider, transcriptStream(owner.id));
    const holder = ownerOf(owner.id, shown.state, seq);
    // What the session does not show is not redacted through it.
    redact(shown.state, seq, reason);
    const stream = transcriptStream(holder);
    const { state, position } = await this.streams.execute(
      transcriptDecider,
      stream,
      causation,
      (transcript) => redact(transcript, seq, reason),
    );
    await this.seeds.destroy(holder, causation.principal.projectId, [seq]);
    for (const one of [stream, transcriptStream(owner.id)]) this.writes.wrote(one, position);
    return { redaction: state.redacted.get(seq) as Redaction, position };
  }
}
