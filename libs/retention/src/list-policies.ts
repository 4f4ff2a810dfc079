import { Injectable } from '@nestjs/common';
import { Streams } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, keysetPage, ReadModelClock, RecentWrites, Where } from '#read-models';
import { policyDecider } from './policy.decider.js';
import type { ListPoliciesQuery } from './retention.bodies.js';
import { type RetentionKind, retentionStreams } from './retention.events.js';
import { policyResource, type PolicyResource, shownScope } from './retention.resource.js';

interface PolicyRow {
  readonly scope: string;
  readonly kind: RetentionKind;
}

/** Reads the policies that hold in a project. */
@Injectable()
export class ListPolicies {
  constructor(
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
    private readonly streams: Streams,
  ) {}

  /** By scope and kind, widest scope first. @throws ProblemError invalid_cursor, projection_lagging */
  async list(
    ctx: RequestContext,
    { limit, order = 'asc', cursor }: ListPoliciesQuery,
  ): Promise<Page<PolicyResource>> {
    const { projectId } = ctx.principal;
    const key = `(scope || ' ' || kind)`;
    const where = new Where().and('coalesce(project_id, ?) = ?', projectId, projectId);
    if (cursor !== undefined) {
      where.and(`${key} ${order === 'desc' ? '<' : '>'} ?`, keysOf(ctx, cursor, ['text'])[0]);
    }
    await waitFor(this.clock, ctx, 'retention');
    await this.writes.settled('retention', projectId);
    const { rows, more } = await keysetPage<PolicyRow>(this.database, {
      ...{ columns: 'scope, kind', from: [{ tables: 'retention.policies' }], key },
      ...{ where, order, limit },
    });
    const data = await Promise.all(rows.map((row) => this.shown(row)));
    const last = rows.at(-1);
    const next = more && last !== undefined ? [last.page_key] : undefined;
    return page(
      ctx,
      data.filter((policy) => policy !== undefined),
      next,
    );
  }

  /** As its stream has it now; undefined when it has just been removed. */
  private async shown({ scope, kind }: PolicyRow): Promise<PolicyResource | undefined> {
    const { state } = await this.streams.load(policyDecider, `${retentionStreams}${scope}`);
    const policy = state.get(kind);
    return policy?.limits == null
      ? undefined
      : policyResource(shownScope(scope), kind, policy.limits, policy);
  }
}
