import { Controller, Get, Post } from '@nestjs/common';
import { CommandBus } from '@nestjs/cqrs';
import { ApiOkResponse } from '@nestjs/swagger';
import { changed, Creates, Ctx, type Page, RequestContext, ValidBody, ValidQuery } from '#http';
import { CreateProjectBody, ListProjectsQuery } from './access.bodies.js';
import { ProjectListResource, ProjectResource } from './access.resources.js';
import { Allow } from './allow.js';
import { CreateProject } from './create-project.js';
import { Projects } from './projects.js';
import { admins } from './roles.js';

@Controller('v1/projects')
export class ProjectsController {
  constructor(
    private readonly commands: CommandBus,
    private readonly projects: Projects,
  ) {}

  /** Makes a project; 409 `project_exists` when the id is taken. */
  @Post()
  @Allow(...admins)
  @Creates()
  async create(@ValidBody() body: CreateProjectBody, @Ctx() ctx: RequestContext): Promise<ProjectResource> {
    const { project, position } = await this.commands.execute(new CreateProject(body, ctx.causation()));
    changed(ctx, position);
    return project;
  }

  /** The projects that the caller may make keys in, newest first. */
  @Get()
  @Allow(...admins)
  @ApiOkResponse({ type: ProjectListResource })
  list(@ValidQuery() query: ListProjectsQuery, @Ctx() ctx: RequestContext): Promise<Page<ProjectResource>> {
    return this.projects.list(ctx, query);
  }
}
