import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { EventStore } from '#eventsourcing';
import { keysOf, page, type Page, ReadModelClock, type RequestContext, waitForPolicy } from '#http';
import { Database, RecentWrites } from '#read-models';
import type { ListTranscriptQuery } from './transcript.bodies.js';
import { transcriptStream } from './transcript.events.js';
import { SegmentRetentions } from './segment-retentions.js';
import type { TranscriptOwner } from './transcript-owner.js';
import { readTranscript, type TranscriptFilter } from './transcript-reader.js';
import type { SegmentResource } from './transcript.resource.js';
import { TranscriptSeeds } from './transcript-seeds.js';

export class ListTranscript extends Query<Page<SegmentResource>> {
  constructor(
    readonly owner: TranscriptOwner,
    readonly query: ListTranscriptQuery,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, session_deleted; ProblemError invalid_cursor, projection_lagging */
@QueryHandler(ListTranscript)
export class ListTranscriptHandler implements IQueryHandler<ListTranscript> {
  constructor(
    private readonly database: Database,
    private readonly retentions: SegmentRetentions,
    private readonly seeds: TranscriptSeeds,
    private readonly store: EventStore,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ owner, query, ctx }: ListTranscript): Promise<Page<SegmentResource>> {
    const filter = filterOf(query, ctx);
    const retention = await this.retentions.of(ctx.principal, owner);
    await waitForPolicy(this.clock, this.store, ctx, 'transcript_policy', 'transcripts');
    await this.writes.settled('transcripts', transcriptStream(owner.id));
    const { segments, next } = await readTranscript(this.database, owner.id, this.seeds, filter, retention);
    return page(ctx, segments, next === undefined ? undefined : [next]);
  }
}

function filterOf(query: ListTranscriptQuery, ctx: RequestContext): TranscriptFilter {
  const { view, limit, after_seq = 0, before_seq = Number.MAX_SAFE_INTEGER } = query;
  const { kind, order = 'asc', cursor } = query;
  const seen = cursor == null ? undefined : Number(keysOf(ctx, cursor, ['integer'])[0]);
  return { view, limit, order, afterSeq: after_seq, beforeSeq: before_seq, kinds: kind, seen };
}
