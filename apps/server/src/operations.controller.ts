import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import { Ctx, OperationResource, Operations, PathId, RequestContext, resource } from '#http';

@ApiTags('operations')
@Controller('v1/operations')
export class OperationsController {
  constructor(private readonly operations: Operations) {}

  /** How far long work has come. */
  @Get(':id')
  @Allow(...auditors)
  @ApiOkResponse({ type: OperationResource })
  async get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<string | undefined> {
    const { operation, revision } = await this.operations.get(ctx, id);
    return resource(ctx, operation, revision);
  }
}
