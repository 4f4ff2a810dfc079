import { Controller, Get, HttpCode, Post } from '@nestjs/common';
import { ApiCreatedResponse, ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, readers, redactors, writers } from '#access';
import {
  ApiPage,
  Creates,
  Ctx,
  type Page,
  PathId,
  PathNumber,
  RequestContext,
  ValidBody,
  ValidQuery,
} from '#http';
import { LeaseId } from '#runs';
import {
  AppendTranscriptBody,
  CompactTranscriptBody,
  ListTranscriptQuery,
  RedactSegmentBody,
} from './transcript.bodies.js';
import {
  AppendedTranscriptResource,
  CompactedTranscriptResource,
  RedactedSegmentResource,
  SegmentResource,
} from './transcript.resource.js';
import type { TranscriptOwner } from './transcript-owner.js';
import { Transcripts } from './transcripts.js';

const of = (id: string): TranscriptOwner => ({ kind: 'run', id });

@ApiTags('transcripts')
@Controller('v1/runs/:id/transcript')
export class RunTranscriptController {
  constructor(private readonly transcripts: Transcripts) {}

  /** Appends segments, all or none; one whose `id` the transcript has is skipped. */
  @Post()
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: AppendedTranscriptResource })
  append(
    @PathId() id: string,
    @ValidBody() body: AppendTranscriptBody,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<AppendedTranscriptResource> {
    return this.transcripts.append(of(id), body, ctx, leaseId);
  }

  /** Lists segments; in the compact view the newest summary stands in the place of what it covers. */
  @Get()
  @Allow(...readers)
  @ApiPage(SegmentResource)
  list(
    @PathId() id: string,
    @ValidQuery() query: ListTranscriptQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Page<SegmentResource>> {
    return this.transcripts.list(of(id), query, ctx);
  }

  /** Writes a summary that stands for all segments but the last ones; what it covers stays readable under `view=full`. */
  @Post('compact')
  @Allow(...writers)
  @Creates()
  @ApiCreatedResponse({ type: CompactedTranscriptResource })
  compact(
    @PathId() id: string,
    @ValidBody() body: CompactTranscriptBody,
    @LeaseId() leaseId: string | undefined,
    @Ctx() ctx: RequestContext,
  ): Promise<CompactedTranscriptResource> {
    return this.transcripts.compact(of(id), body, ctx, leaseId);
  }

  /** Takes away what a segment says, for good; that it was there stays. */
  @Post(':seq/redact')
  @Allow(...redactors)
  @HttpCode(200)
  @ApiOkResponse({ type: RedactedSegmentResource })
  redact(
    @PathId() id: string,
    @PathNumber('seq') seq: number,
    @ValidBody() body: RedactSegmentBody,
    @Ctx() ctx: RequestContext,
  ): Promise<RedactedSegmentResource> {
    return this.transcripts.redact(of(id), seq, body, ctx);
  }
}
