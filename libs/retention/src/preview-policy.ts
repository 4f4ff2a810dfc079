import { type IQueryHandler, Query, QueryHandler } from '@nestjs/cqrs';
import { Streams } from '#eventsourcing';
import { ProblemError, type RequestContext } from '#http';
import { planned } from './planner.js';
import { RetainedContents } from './retained-content.js';
import type { PreviewRetentionBody } from './retention.bodies.js';
import { scopeName } from './retention.events.js';
import { RetentionRules } from './retention-rules.js';
import { type RemovalResource, removalResource } from './retention.resource.js';
import { ruleOf, withRule } from './rules.js';
import { scopeOfBody } from './scopes.js';
import { limitsOf } from './set-policy.js';
import { Sweeps } from './sweeps.js';
import { nothing, tallied } from './tally.decider.js';

export class PreviewPolicy extends Query<RemovalResource> {
  constructor(
    readonly body: PreviewRetentionBody,
    readonly ctx: RequestContext,
  ) {
    super();
  }
}

/**
 * What a sweep of the caller's project would remove by this policy, beside the ones that there are.
 * @throws ProblemError validation_failed, projection_lagging; RuleViolation unknown_reference
 */
@QueryHandler(PreviewPolicy)
export class PreviewPolicyHandler implements IQueryHandler<PreviewPolicy> {
  constructor(
    private readonly streams: Streams,
    private readonly rules: RetentionRules,
    private readonly contents: RetainedContents,
    private readonly sweeps: Sweeps,
  ) {}

  async execute({ body, ctx }: PreviewPolicy): Promise<RemovalResource> {
    const { kind } = body;
    const project = ctx.principal.projectId;
    const scope = await scopeOfBody(this.streams, ctx.principal, body.scope);
    if (scope === undefined) throw noScope();
    const content = this.contents.of(kind);
    let tally = nothing;
    if (content !== undefined) {
      if (!(await this.sweeps.settled())) throw lagging();
      const rule = ruleOf(scopeName(scope), limitsOf(body));
      const [rules, holds] = await Promise.all([this.rules.of(project, kind), this.rules.holds(project)]);
      const plan = { content, project, rules: withRule(rules, rule), holds, now: Date.now() };
      for await (const due of planned(plan)) if (due.rule === rule) tally = tallied(tally, due.removal);
    }
    return removalResource(kind, body.scope, body.action, tally);
  }
}

function noScope(): ProblemError {
  const detail = 'scope must be default, project, or session: and an id';
  return new ProblemError('validation_failed', `/scope: ${detail}.`, {
    errors: [{ pointer: '/scope', detail }],
  });
}

const lagging = (): ProblemError =>
  new ProblemError('projection_lagging', 'The read models have not come to what is stored by now.');
