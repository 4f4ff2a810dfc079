import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation, Fact, Principal } from '#eventsourcing';
import { referenced, RuleViolation, Streams } from '#eventsourcing';
import { RecentWrites } from '#read-models';
import { expectLeaseOf, findRun } from '#runs';
import { contentText } from './content.js';
import { sealingWith } from './sealing.js';
import type { AppendTranscriptBody, NewSegmentBody } from './transcript.bodies.js';
import { appendSegments, type NewSegment, placesOf } from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import { type SegmentsAppended, transcriptStream } from './transcript.events.js';
import { findOwner, sessionOf, type TranscriptOwner } from './transcript-owner.js';
import { TranscriptSeeds } from './transcript-seeds.js';

export interface AppendedTranscript {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly count: number;
  readonly position: bigint | undefined;
}

export class AppendTranscript extends Command<AppendedTranscript> {
  constructor(
    readonly owner: TranscriptOwner,
    readonly body: AppendTranscriptBody,
    readonly causation: Causation,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/**
 * Places are those of the segments stored; of the earlier ones when none was.
 * @throws RuleViolation not_found, session_deleted, unknown_reference, lease_lost; ProblemError payload_too_large
 */
@CommandHandler(AppendTranscript)
export class AppendTranscriptHandler implements ICommandHandler<AppendTranscript> {
  constructor(
    private readonly streams: Streams,
    private readonly seeds: TranscriptSeeds,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ owner, body, causation, leaseId }: AppendTranscript): Promise<AppendedTranscript> {
    await findOwner(this.streams, causation.principal, owner);
    const segments = body.segments.map((segment, n) => newSegment(segment, n, owner));
    await this.expectRuns(causation.principal, owner, segments);
    if (leaseId !== undefined) await expectLeaseOf(this.streams, owner.id, leaseId);
    const stream = transcriptStream(owner.id);
    const seal = sealingWith(await this.seeds.ensured(owner.id, causation.principal.projectId));
    const outcome = await this.streams.execute(transcriptDecider, stream, causation, (transcript) =>
      appendSegments(transcript, segments, seal, sessionOf(owner)),
    );
    this.writes.wrote(stream, outcome.position);
    const events = outcome.events as readonly Fact[] as readonly SegmentsAppended[];
    const count = events.reduce((sum, { data }) => sum + data.segments.length, 0);
    const first = events[0]?.data.first_seq;
    const { first: first_seq, last: last_seq } =
      first === undefined ? placesOf(outcome.state, segments) : { first, last: first + count - 1 };
    return { first_seq, last_seq, count, position: outcome.position };
  }

  private async expectRuns(
    principal: Principal,
    owner: TranscriptOwner,
    segments: readonly NewSegment[],
  ): Promise<void> {
    const named = new Set(segments.flatMap(({ run_id }) => run_id ?? []));
    await Promise.all(
      [...named].map((id) => {
        const n = segments.findIndex(({ run_id }) => run_id === id);
        return this.expectRun(principal, owner, id, `/segments/${n}/run_id`);
      }),
    );
  }

  private async expectRun(
    principal: Principal,
    owner: TranscriptOwner,
    id: string,
    pointer: string,
  ): Promise<void> {
    const run = await referenced(findRun(this.streams, principal, id), pointer);
    if (owner.kind === 'session' && run.session_id !== owner.id) {
      throw new RuleViolation('unknown_reference', `run ${id} does not belong to the session`, { pointer });
    }
  }
}

/** A segment of a run's transcript is of that run unless it names another. */
function newSegment(body: NewSegmentBody, n: number, owner: TranscriptOwner): NewSegment {
  const { kind, role, content, metadata, id } = body;
  const run_id = body.run_id ?? (owner.kind === 'run' ? owner.id : undefined);
  return {
    kind,
    ...(role != null && { role }),
    ...(run_id !== undefined && { run_id }),
    ...(metadata != null && { metadata }),
    ...(id != null && { id }),
    json: contentText(content, `/segments/${n}/content`),
  };
}
