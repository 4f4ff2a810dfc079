import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Allow, auditors } from '#access';
import { ProjectionsStatus, type ProjectionStatus } from '#read-models';

@ApiTags('projections')
@Controller('v1/projections')
export class ProjectionsController {
  constructor(private readonly status: ProjectionsStatus) {}

  @Get()
  @Allow(...auditors)
  async list(): Promise<{ data: ProjectionStatus[] }> {
    return { data: await this.status.all() };
  }
}
