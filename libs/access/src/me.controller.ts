import { Controller, Get } from '@nestjs/common';
import { Ctx, RequestContext } from '#http';
import { MeResource } from './access.resources.js';
import { Allow } from './allow.js';
import { readers } from './roles.js';

@Controller('v1/me')
export class MeController {
  /** Who calls: the key's own id, its project, user and role. */
  @Get()
  @Allow(...readers)
  me(@Ctx() { principal }: RequestContext): MeResource {
    return {
      principal_id: principal.principalId,
      project_id: principal.projectId,
      user_id: principal.userId,
      role: principal.role,
    };
  }
}
