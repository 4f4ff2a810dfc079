import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Allow, readers } from '#access';
import { Ctx, PathId, RequestContext, ValidQuery, wantsEventStream } from '#http';
import { FollowOutput } from './follow-output.js';
import { OutputQuery } from './process.bodies.js';
import { ProcessOutputs } from './read-output.js';

const headers = {
  'Output-Next-Offset': { description: 'The byte to go on at.', schema: { type: 'integer' } },
  'Output-Closed': { description: 'Whether nothing more follows.', schema: { type: 'boolean' } },
} as const;

@ApiTags('processes')
@Controller('v1/processes/:id/output')
export class OutputController {
  constructor(
    private readonly outputs: ProcessOutputs,
    private readonly following: FollowOutput,
  ) {}

  /**
   * Raw bytes of one stream, stdout by default; `Output-Next-Offset` says where to go on, `Output-Closed`
   * whether there is nothing more. With `Accept: text/event-stream` follows it until the process has ended.
   */
  @Get()
  @Allow(...readers)
  @ApiOkResponse({ type: String, headers })
  @ApiProduces('application/octet-stream', 'text/event-stream')
  async read(
    @PathId() id: string,
    @ValidQuery() query: OutputQuery,
    @Ctx() ctx: RequestContext,
  ): Promise<Buffer | undefined> {
    if (wantsEventStream(ctx)) {
      await this.following.follow(id, query, ctx);
      return undefined;
    }
    const { bytes, nextOffset, closed } = await this.outputs.read(id, query, ctx);
    void ctx.reply
      .header('content-type', 'application/octet-stream')
      .header('vary', 'accept')
      .header('output-next-offset', nextOffset)
      .header('output-closed', String(closed));
    return bytes;
  }
}
