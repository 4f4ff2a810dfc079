import { Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiNoContentResponse, ApiOkResponse, ApiParam, ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import { RuleViolation, Streams } from '#eventsourcing';
import { changed, Ctx, ifMatch, RequestContext, resource, ValidBody } from '#http';
import { policyDecider } from './policy.decider.js';
import { RemovePolicy } from './remove-policy.js';
import { SetRetentionPolicyBody } from './retention.bodies.js';
import { retentionKinds, retentionStream } from './retention.events.js';
import { policyResource, PolicyResource } from './retention.resource.js';
import { expectAsInPath, expectMayChange, kindOfPath, retentionManagers, scopeOfPath } from './scopes.js';
import { SetPolicy } from './set-policy.js';

@ApiTags('retention')
@ApiParam({
  name: 'scope',
  schema: { type: 'string' },
  description: 'default, project, or session: and an id',
})
@ApiParam({ name: 'kind', enum: retentionKinds })
@Controller('v1/retention/policies/:scope/:kind')
export class PoliciesController {
  constructor(
    private readonly commands: CommandBus,
    private readonly streams: Streams,
  ) {}

  /** Sets what may be kept, of what is stored already too; the nearest scope to a run wins. */
  @Put()
  @Allow(...retentionManagers)
  @ApiOkResponse({ type: PolicyResource })
  async set(
    @Param('scope') word: string,
    @Param('kind') kindWord: string,
    @ValidBody() body: SetRetentionPolicyBody,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const kind = kindOfPath(kindWord);
    const scope = await scopeOfPath(this.streams, ctx.principal, word);
    expectMayChange(ctx.principal, scope);
    expectAsInPath(body, { scope: word, kind });
    const command = new SetPolicy(scope, kind, body, ctx.causation(), ifMatch(ctx));
    const { policy, limits, position } = await this.commands.execute(command);
    changed(ctx, position);
    return resource(ctx, policyResource(word, kind, limits, policy), policy.revision);
  }

  @Get()
  @Allow(...auditors)
  @ApiOkResponse({ type: PolicyResource })
  async get(
    @Param('scope') word: string,
    @Param('kind') kindWord: string,
    @Ctx() ctx: RequestContext,
  ): Promise<string | undefined> {
    const kind = kindOfPath(kindWord);
    const scope = await scopeOfPath(this.streams, ctx.principal, word);
    const { state } = await this.streams.load(policyDecider, retentionStream(scope));
    const policy = state.get(kind);
    if (policy?.limits == null) throw new RuleViolation('not_found', 'there is no such policy');
    return resource(ctx, policyResource(word, kind, policy.limits, policy), policy.revision);
  }

  /** From then on the next wider scope says what is kept. */
  @Delete()
  @Allow(...retentionManagers)
  @HttpCode(204)
  @ApiNoContentResponse()
  async remove(
    @Param('scope') word: string,
    @Param('kind') kindWord: string,
    @Ctx() ctx: RequestContext,
  ): Promise<void> {
    const kind = kindOfPath(kindWord);
    const scope = await scopeOfPath(this.streams, ctx.principal, word);
    expectMayChange(ctx.principal, scope);
    changed(ctx, await this.commands.execute(new RemovePolicy(scope, kind, ctx.causation(), ifMatch(ctx))));
  }
}
