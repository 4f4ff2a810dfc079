import { Module } from '@nestjs/common';
import { RebuildRequests } from '#read-models';
import { AbandonRebuildHandler } from './abandon-rebuild.js';
import { ProjectionsController } from './projections.controller.js';
import { StreamRebuildRequests } from './rebuild-requests.stream.js';
import { Rebuilds } from './rebuilds.js';
import { RequestRebuildHandler } from './request-rebuild.js';

/** What operators see of the projections, and ask of them. The application provides `ProjectionsStatus`. */
@Module({
  controllers: [ProjectionsController],
  providers: [
    AbandonRebuildHandler,
    Rebuilds,
    RequestRebuildHandler,
    { provide: RebuildRequests, useClass: StreamRebuildRequests },
  ],
  exports: [RebuildRequests],
})
export class ProjectionsModule {}
