import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { Causation } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { AccessWrites } from './access-writes.js';
import type { CreateProjectBody } from './access.bodies.js';
import type { ProjectResource } from './access.resources.js';
import { createProject, projectDecider } from './project.decider.js';
import { projectStream } from './project.events.js';

export class CreateProject extends Command<{ project: ProjectResource; position: bigint | undefined }> {
  constructor(
    readonly body: CreateProjectBody,
    readonly causation: Causation,
  ) {
    super();
  }
}

/** @throws RuleViolation project_exists */
@CommandHandler(CreateProject)
export class CreateProjectHandler implements ICommandHandler<CreateProject> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: AccessWrites,
  ) {}

  async execute({ body: { id, name }, causation }: CreateProject) {
    const { position } = await this.streams.execute(projectDecider, projectStream(id), causation, (project) =>
      createProject(project, id, name),
    );
    await this.writes.seen(position);
    return { project: { id, name, created_at: causation.at }, position };
  }
}
