import { Readable } from 'node:stream';
import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Allow, readers } from '#access';
import { Ctx, PathId, ProblemError, ReadModelClock, RequestContext, waitFor } from '#http';
import { RecentWrites } from '#read-models';
import { Sessions } from '#sessions';
import { type ExportLine, SessionExport } from './session-export.js';

const readModels = [
  'sessions',
  'runs',
  'timeline',
  'transcripts',
  'interactions',
  'schedules',
  'mounts',
  'logs',
];
const named = {
  'Content-Disposition': { description: 'A name for the file.', schema: { type: 'string' } },
} as const;
/** How many lines are sent before it is asked again whether the caller's key still holds. */
const linesBetween = 500;

@ApiTags('sessions')
@Controller('v1/sessions/:id/export')
export class ExportsController {
  constructor(
    private readonly sessions: Sessions,
    private readonly exported: SessionExport,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {}

  /** Everything that the session holds, one JSON object `{type, data}` a line, a manifest with counts first. */
  @Get()
  @Allow(...readers)
  @ApiProduces('application/x-ndjson')
  @ApiOkResponse({ schema: { type: 'string' }, headers: named })
  async export(@PathId() id: string, @Ctx() ctx: RequestContext): Promise<Readable> {
    await Promise.all(readModels.map((name) => waitFor(this.clock, ctx, name)));
    await Promise.all(readModels.map((name) => this.writes.settled(name, id)));
    const session = await this.sessions.get(ctx.principal, id);
    void ctx.reply
      .header('content-type', 'application/x-ndjson; charset=utf-8')
      .header('content-disposition', `attachment; filename="session-${id}.ndjson"`);
    return Readable.from(texts(this.exported.lines(session, ctx.principal), ctx));
  }
}

/** Breaks off, short of what the manifest counts, when the caller may not read any more. */
async function* texts(lines: AsyncIterable<ExportLine>, ctx: RequestContext): AsyncGenerator<string> {
  let sent = 0;
  for await (const line of lines) {
    yield `${JSON.stringify(line)}\n`;
    if (++sent % linesBetween === 0 && (await ctx.stillValid?.()) === false) {
      throw new ProblemError('unauthenticated', 'The API key holds no longer.');
    }
  }
}
