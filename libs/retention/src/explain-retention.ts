import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { Streams } from '#eventsourcing';
import { ReadModelClock, type RequestContext, waitFor } from '#http';
import { findRun, isOver, runDecider, runStream } from '#runs';
import { findSession } from '#sessions';
import { type HeldBy, holdsOn } from './legal-hold.decider.js';
import { RetainedContents, type Stored } from './retained-content.js';
import { type RetentionKind, retentionKinds } from './retention.events.js';
import { RetentionRules } from './retention-rules.js';
import { type KindRetentionResource, type RetentionResource, shownScope } from './retention.resource.js';
import { expiry, type Rule } from './rules.js';

export class ExplainRetention extends Query<RetentionResource> {
  constructor(
    readonly of: 'run' | 'session',
    readonly id: string,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

const none: Stored = { count: 0, bytes: 0, oldest: null, purged_count: 0, purged_bytes: 0 };

/** @throws RuleViolation not_found, session_deleted; ProblemError projection_lagging */
@QueryHandler(ExplainRetention)
export class ExplainRetentionHandler implements IQueryHandler<ExplainRetention> {
  constructor(
    private readonly streams: Streams,
    private readonly clock: ReadModelClock,
    private readonly rules: RetentionRules,
    private readonly contents: RetainedContents,
  ) {}

  async execute({ of, id, ctx }: ExplainRetention): Promise<RetentionResource> {
    const { over, ...owners } = await (of === 'run' ? this.ofRun(id, ctx) : this.ofSession(id, ctx));
    await Promise.all(this.contents.all.map(({ projection }) => waitFor(this.clock, ctx, projection)));
    const project = ctx.principal.projectId;
    const [holds, ...kinds] = await Promise.all([
      this.rules.holds(project),
      ...retentionKinds.map(async (kind) => {
        const rule = await this.rules.nearest(project, owners.session_id, kind);
        return ofKind(kind, rule, (await this.contents.of(kind)?.stored(id)) ?? none);
      }),
    ]);
    const legal_holds = holdsOn(holds, owners);
    return { ...(of === 'run' ? { run_id: id } : { session_id: id }), kinds, running: !over, legal_holds };
  }

  private async ofRun(id: string, { principal }: RequestContext): Promise<HeldBy & { over: boolean }> {
    await findRun(this.streams, principal, id);
    const { state: run } = await this.streams.load(runDecider, runStream(id));
    const user_ids = run === undefined ? [] : [run.user_id];
    return {
      run_ids: [id],
      session_id: run?.session_id ?? null,
      user_ids,
      over: run === undefined || isOver(run),
    };
  }

  private async ofSession(id: string, { principal }: RequestContext): Promise<HeldBy & { over: boolean }> {
    const { user_id, holders } = await findSession(this.streams, principal, id);
    const runs = await Promise.all(holders.map((run) => this.streams.load(runDecider, runStream(run))));
    const over = runs.every(({ state }) => state === undefined || isOver(state));
    return { run_ids: [], session_id: id, user_ids: [user_id], over };
  }
}

function ofKind(kind: RetentionKind, rule: Rule | undefined, stored: Stored): KindRetentionResource {
  const { count, bytes, oldest, purged_count, purged_bytes, shared_with = [] } = stored;
  return {
    kind,
    policy: rule === undefined ? null : { scope: shownScope(rule.scope), ...rule.limits },
    expires_at: expiry(rule, oldest),
    over_size: rule?.maxBytes != null && bytes > rule.maxBytes,
    stored: { count, bytes },
    purged: { count: purged_count, bytes: purged_bytes },
    shared_with: [...shared_with],
  };
}
