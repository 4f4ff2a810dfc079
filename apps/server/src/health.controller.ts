import { Controller, Get, Res } from '@nestjs/common';
import { ApiOkResponse, ApiResponse, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { ProjectionsStatus, type ProjectionStatus } from '#read-models';
import { HealthResource, ReadinessResource } from './health.resource.js';

/** A projection that has not moved for this long although there is more to see is a failing one. */
const patience = 60_000;

@ApiTags('health')
@Controller()
export class HealthController {
  constructor(private readonly status: ProjectionsStatus) {}

  @Get('healthz')
  @ApiOkResponse({ type: HealthResource })
  healthz(): HealthResource {
    return { status: 'ok' };
  }

  @Get('readyz')
  @ApiOkResponse({ type: ReadinessResource })
  @ApiResponse({
    status: 503,
    description: 'Something fails, which `failing` names.',
    type: ReadinessResource,
  })
  async readyz(@Res({ passthrough: true }) reply: FastifyReply): Promise<ReadinessResource> {
    const readiness = await this.readiness();
    if (readiness.status === 'not_ready') void reply.code(503);
    return readiness;
  }

  private async readiness(): Promise<ReadinessResource> {
    let projections: ProjectionStatus[];
    try {
      projections = await this.status.all();
    } catch {
      return { status: 'not_ready', failing: { storage: 'the databases do not answer' }, projections: [] };
    }
    const failing = Object.fromEntries(
      projections.flatMap(({ name, state, lag_events, lag_ms }) => {
        if (state === 'waiting') return [[name, 'not built yet']];
        if (state === 'failing') return [[name, 'its newest batch fails and is being tried again']];
        return lag_ms > patience ? [[name, `stands still, ${lag_events} events behind`]] : [];
      }),
    );
    const status = Object.keys(failing).length === 0 ? 'ready' : 'not_ready';
    return { status, failing, projections };
  }
}
