import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation, Fact } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { expectLeaseOf } from '#runs';
import { contentText } from './content.js';
import { sealingWith } from './sealing.js';
import type { CompactTranscriptBody } from './transcript.bodies.js';
import { compact } from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import { type TranscriptCompacted, transcriptStream } from './transcript.events.js';
import { findOwner, type TranscriptOwner } from './transcript-owner.js';
import { TranscriptSeeds } from './transcript-seeds.js';

export interface Compacted {
  readonly seq: number;
  readonly covers: number;
  readonly position: bigint | undefined;
}

export class CompactTranscript extends Command<Compacted> {
  constructor(
    readonly owner: TranscriptOwner,
    readonly body: CompactTranscriptBody,
    readonly causation: Causation,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted, lease_lost, nothing_to_compact; ProblemError payload_too_large */
@CommandHandler(CompactTranscript)
export class CompactTranscriptHandler implements ICommandHandler<CompactTranscript> {
  constructor(
    private readonly streams: Streams,
    private readonly seeds: TranscriptSeeds,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ owner, body, causation, leaseId }: CompactTranscript): Promise<Compacted> {
    await findOwner(this.streams, causation.principal, owner);
    if (leaseId !== undefined) await expectLeaseOf(this.streams, owner.id, leaseId);
    const json = contentText(body.summary, '/summary');
    const keepLast = body.mode === 'full' ? 0 : body.keep_last;
    const stream = transcriptStream(owner.id);
    const seal = sealingWith(await this.seeds.ensured(owner.id, causation.principal.projectId));
    const { events, position } = await this.streams.execute(
      transcriptDecider,
      stream,
      causation,
      (transcript) => compact(transcript, { json, keepLast }, seal),
    );
    this.writes.wrote(stream, position);
    const [{ data }] = events as readonly Fact[] as readonly [TranscriptCompacted];
    return { seq: data.seq, covers: data.covers, position };
  }
}
