import { Injectable } from '@nestjs/common';
import { Streams } from '#eventsourcing';
import { Database } from '#read-models';
import { legalHoldDecider, type LegalHolds } from './legal-hold.decider.js';
import { legalHoldStream } from './legal-hold.events.js';
import { policyDecider } from './policy.decider.js';
import {
  type RetentionKind,
  type RetentionLimits,
  type RetentionScope,
  retentionStream,
  scopeName,
} from './retention.events.js';
import { nearest, type Rule, type Rules, ruleOf, withRule } from './rules.js';

interface PolicyRow {
  readonly scope: string;
  readonly limits: RetentionLimits;
}

/** What policies and holds say. */
@Injectable()
export class RetentionRules {
  constructor(
    private readonly streams: Streams,
    private readonly database: Database,
  ) {}

  /** The rules of a project, as the read model has them. @throws StoreUnavailable */
  async of(project: string, kind: RetentionKind): Promise<Rules> {
    const rows = await this.database.query<PolicyRow>(
      'SELECT scope, limits FROM retention.policies WHERE kind = $1 AND coalesce(project_id, $2) = $2',
      [kind, project],
    );
    return rows
      .map(({ scope, limits }) => ruleOf(scope, limits))
      .reduce<Rules>(withRule, { sessions: new Map() });
  }

  /** The rule for what belongs to a project and perhaps a session, as the streams have it. @throws StoreUnavailable */
  async nearest(project: string, session: string | null, kind: RetentionKind): Promise<Rule | undefined> {
    const scopes: RetentionScope[] = [{ of: 'default' }, { of: 'project', id: project }];
    if (session !== null) scopes.push({ of: 'session', id: session });
    const found = await Promise.all(scopes.map((scope) => this.at(scope, kind)));
    const rules = found.filter((rule) => rule !== undefined).reduce<Rules>(withRule, { sessions: new Map() });
    return nearest(rules, session);
  }

  /** The rule of one scope. @throws StoreUnavailable */
  async at(scope: RetentionScope, kind: RetentionKind): Promise<Rule | undefined> {
    const { state } = await this.streams.load(policyDecider, retentionStream(scope));
    const limits = state.get(kind)?.limits;
    return limits == null ? undefined : ruleOf(scopeName(scope), limits);
  }

  /** The holds of a project that stand. @throws StoreUnavailable */
  async holds(project: string): Promise<LegalHolds> {
    return (await this.streams.load(legalHoldDecider, legalHoldStream(project))).state;
  }
}
