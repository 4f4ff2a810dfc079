import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Role } from '#eventsourcing';
import { roles } from './roles.js';

/** Who calls. */
@ApiSchema({ name: 'Me' })
export class MeResource {
  principal_id: string;
  project_id: string;
  user_id: string;
  @ApiProperty({ enum: roles, enumName: 'Role' })
  role: Role;
}

@ApiSchema({ name: 'Project' })
export class ProjectResource {
  id: string;
  name: string;
  /** The epoch for `default`, which was always there. */
  created_at: string;
}

/** A key without the key: what it opens, and what has become of it. */
@ApiSchema({ name: 'ApiKey' })
export class ApiKeyResource {
  id: string;
  name: string;
  project_id: string;
  @ApiProperty({ enum: roles, enumName: 'Role' })
  role: Role;
  user_id: string;
  /** The key's first characters, to know it again by. */
  prefix: string;
  created_by: string;
  created_at: string;
  expires_at: string | null;
  revoked_at: string | null;
  revision: number;
}

@ApiSchema({ name: 'CreatedApiKey' })
export class CreatedApiKeyResource extends ApiKeyResource {
  /** Shown in this answer alone, and left out when an Idempotency-Key replays it: no copy of it is kept. */
  key?: string;
}

@ApiSchema({ name: 'ProjectList' })
export class ProjectListResource {
  data: ProjectResource[];
  next_cursor: string | null;
}

@ApiSchema({ name: 'ApiKeyList' })
export class ApiKeyListResource {
  data: ApiKeyResource[];
  next_cursor: string | null;
}
