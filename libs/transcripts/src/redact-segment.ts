import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { Database, inTurn, RecentWrites } from '#read-models';
import { isHeldFor, RetentionRules, turnOf } from '#retention';
import { RetainedTranscripts } from './retained-transcripts.js';
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
 * redacted before keeps the first reason. @throws RuleViolation not_found, session_deleted, gone, legal_hold
 */
@CommandHandler(RedactSegment)
export class RedactSegmentHandler implements ICommandHandler<RedactSegment> {
  constructor(
    private readonly streams: Streams,
    private readonly seeds: TranscriptSeeds,
    private readonly rules: RetentionRules,
    private readonly retained: RetainedTranscripts,
    private readonly database: Database,
    private readonly writes: RecentWrites,
  ) {}

  async execute(command: RedactSegment): Promise<Redacted> {
    const { principal } = command.causation;
    await findOwner(this.streams, principal, command.owner);
    return inTurn(this.database.url, turnOf(principal.projectId), () => this.redact(command));
  }

  private async redact({ owner, seq, reason, causation }: RedactSegment): Promise<Redacted> {
    const shown = await this.streams.load(transcriptDecider, transcriptStream(owner.id));
    const holder = ownerOf(owner.id, shown.state, seq);
    // What the session does not show is not redacted through it.
    redact(shown.state, seq, reason);
    const stream = transcriptStream(holder);
    await this.expectNotHeld(holder, seq, causation.principal.projectId);
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

  private async expectNotHeld(holder: string, seq: number, project: string): Promise<void> {
    const holds = await this.rules.holds(project);
    if (holds.size === 0) return;
    const stream = transcriptStream(holder);
    const { state } = await this.streams.load(transcriptDecider, stream);
    if (state.redacted.has(seq)) return;
    await this.writes.settled('transcripts', stream);
    const segment = { id: holder, after_seq: seq - 1, through_seq: seq };
    if (isHeldFor(await this.retained.belongsTo(segment), holds)) {
      throw new RuleViolation('legal_hold', `a legal hold keeps segment ${seq}`);
    }
  }
}
