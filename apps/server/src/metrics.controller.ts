import { Controller, Get } from '@nestjs/common';
import { ApiOkResponse, ApiProduces, ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import { Ctx, RequestContext } from '#http';
import { Metrics, metricsPath } from './metrics.js';

@ApiTags('health')
@Controller(metricsPath)
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  /** What this process measures of itself, in the text format of Prometheus. */
  @Get()
  @Allow(...auditors)
  @ApiProduces('text/plain')
  @ApiOkResponse({ schema: { type: 'string' } })
  async get(@Ctx() { reply }: RequestContext): Promise<string> {
    void reply.header('content-type', this.metrics.contentType);
    return this.metrics.text();
  }
}
