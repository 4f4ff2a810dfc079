import { Injectable } from '@nestjs/common';
import { CommandBus, QueryBus } from '@nestjs/cqrs';
import { changed, type Page, type RequestContext } from '#http';
import { AppendTranscript } from './append-transcript.js';
import { CompactTranscript } from './compact-transcript.js';
import { ListTranscript } from './list-transcript.js';
import { RedactSegment } from './redact-segment.js';
import type {
  AppendTranscriptBody,
  CompactTranscriptBody,
  ListTranscriptQuery,
  RedactSegmentBody,
} from './transcript.bodies.js';
import type {
  AppendedTranscriptResource,
  CompactedTranscriptResource,
  RedactedSegmentResource,
  SegmentResource,
} from './transcript.resource.js';
import type { TranscriptOwner } from './transcript-owner.js';

/** What the calls do, be it a session's transcript or a run's. */
@Injectable()
export class Transcripts {
  constructor(
    private readonly commands: CommandBus,
    private readonly queries: QueryBus,
  ) {}

  async append(
    owner: TranscriptOwner,
    body: AppendTranscriptBody,
    ctx: RequestContext,
    leaseId?: string,
  ): Promise<AppendedTranscriptResource> {
    const { position, ...appended } = await this.commands.execute(
      new AppendTranscript(owner, body, ctx.causation(), leaseId),
    );
    changed(ctx, position);
    return appended;
  }

  list(
    owner: TranscriptOwner,
    query: ListTranscriptQuery,
    ctx: RequestContext,
  ): Promise<Page<SegmentResource>> {
    return this.queries.execute(new ListTranscript(owner, query, ctx));
  }

  async compact(
    owner: TranscriptOwner,
    body: CompactTranscriptBody,
    ctx: RequestContext,
    leaseId?: string,
  ): Promise<CompactedTranscriptResource> {
    const { position, seq, covers } = await this.commands.execute(
      new CompactTranscript(owner, body, ctx.causation(), leaseId),
    );
    changed(ctx, position);
    return { seq, kind: 'summary', covers };
  }

  async redact(
    owner: TranscriptOwner,
    seq: number,
    { reason }: RedactSegmentBody,
    ctx: RequestContext,
  ): Promise<RedactedSegmentResource> {
    const { position, redaction } = await this.commands.execute(
      new RedactSegment(owner, seq, reason, ctx.causation()),
    );
    changed(ctx, position);
    return { seq, kind: 'redacted', redaction };
  }
}
