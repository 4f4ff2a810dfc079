import { Injectable } from '@nestjs/common';
import type { Principal } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { manages, projectDecider } from './project.decider.js';
import { defaultProject, projectStream } from './project.events.js';

/** Asks the streams, not a read model, which projects an admin answers for. */
@Injectable()
export class ManagedProjects {
  constructor(private readonly streams: Streams) {}

  async manages(admin: Principal, id: string): Promise<boolean> {
    return manages(admin.projectId, id, await this.streams.glance(projectDecider, projectStream(id)));
  }

  /** The same as a condition on rows of `access.projects p`; its one value is the admin's project. */
  readonly condition = `(?::text IN ('${defaultProject}', p.id, p.made_by))`;
}
