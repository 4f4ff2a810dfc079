import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import { Ctx, OperationResource, Operations, PathId, RequestContext } from '#http';

@ApiTags('operations')
@Controller('v1/operations')
export class OperationsController {
  constructor(private readonly operations: Operations) {}

  /** How far long work has come. */
  @Get(':id')
  @Allow(...auditors)
  @ApiOkResponse({ type: OperationResource })
  get(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<OperationResource> {
    return this.operations.get(ctx, id);
  }
}
