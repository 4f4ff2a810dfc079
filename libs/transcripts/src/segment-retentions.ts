import { Injectable } from '@nestjs/common';
import { type Principal, Streams } from '#eventsourcing';
import { expiry, type HeldBy, holdsOn, RetentionRules } from '#retention';
import { findRun } from '#runs';
import { findSession } from '#sessions';
import type { TranscriptOwner } from './transcript-owner.js';
import type { SegmentRetention } from './transcript.resource.js';

/** What retention must know of a segment. */
export interface RetainedSegment {
  readonly run_id: string | null;
  readonly created_at: Date;
  readonly removed: 'purged' | 'archived' | null;
}

/** Tells what keeps a segment. */
export type RetentionOf = (segment: RetainedSegment) => SegmentRetention;

/** What nothing removes. */
export const unlimited: RetentionOf = ({ removed }) => ({
  policy: null,
  expires_at: null,
  legal_hold: false,
  state: removed ?? 'live',
});

/** Asks policies and holds what keeps the segments of a transcript. */
@Injectable()
export class SegmentRetentions {
  constructor(
    private readonly streams: Streams,
    private readonly rules: RetentionRules,
  ) {}

  /** @throws RuleViolation not_found, session_deleted */
  async of(principal: Principal, owner: TranscriptOwner): Promise<RetentionOf> {
    const { projectId } = principal;
    const held = await this.heldBy(principal, owner);
    const [rule, holds] = await Promise.all([
      this.rules.nearest(projectId, held.session_id, 'transcripts'),
      this.rules.holds(projectId),
    ]);
    return ({ run_id, created_at, removed }) => ({
      policy: rule?.limits === undefined ? null : rule.scope.replace(/^project:.*/, 'project'),
      expires_at: removed === null ? expiry(rule, created_at.getTime()) : null,
      legal_hold: holds.size > 0 && holdsOn(holds, ofRun(held, run_id)).length > 0,
      state: removed ?? 'live',
    });
  }

  private async heldBy(principal: Principal, { kind, id }: TranscriptOwner): Promise<HeldBy> {
    if (kind === 'session') {
      const { user_id } = await findSession(this.streams, principal, id);
      return { run_ids: [], session_id: id, user_ids: [user_id] };
    }
    const { session_id, user_id } = await findRun(this.streams, principal, id);
    return { run_ids: [id], session_id, user_ids: [user_id] };
  }
}

const ofRun = (held: HeldBy, run_id: string | null): HeldBy =>
  run_id === null ? held : { ...held, run_ids: [...held.run_ids, run_id] };
