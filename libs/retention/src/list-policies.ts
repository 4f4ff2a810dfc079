import { Injectable } from '@nestjs/common';
import { Streams } from '#eventsourcing';
import { keysOf, page, type Page, type RequestContext, waitFor } from '#http';
import { Database, keysetPage, ReadModelClock, RecentWrites, Where } from '#read-models';
import { type Policies, policyDecider } from './policy.decider.js';
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
    const data = await this.shown(rows);
    const last = rows.at(-1);
    const next = more && last !== undefined ? [last.page_key] : undefined;
    return page(ctx, data, next);
  }

  /** As the streams have them now, each read once; without those that have just been removed. */
  private async shown(rows: readonly PolicyRow[]): Promise<PolicyResource[]> {
    const scopes = new Set(rows.map(({ scope }) => scope));
    const loaded = await Promise.all(
      [...scopes].map(async (scope): Promise<[string, Policies]> => {
        const { state } = await this.streams.load(policyDecider, `${retentionStreams}${scope}`);
        return [scope, state];
      }),
    );
    const policies = new Map(loaded);
    return rows.flatMap(({ scope, kind }) => {
      const policy = policies.get(scope)?.get(kind);
      return policy?.limits == null ? [] : policyResource(shownScope(scope), kind, policy.limits, policy);
    });
  }
}
