import { ApiProperty } from '@nestjs/swagger';
import { IsOptional } from 'class-validator';
import type { Role } from '#eventsourcing';
import { IsEnumWord, IsForm, IsRfc3339, IsText, IsUuid, PageQuery } from '#http';
import { projectSlug } from './project.events.js';
import { roles } from './roles.js';

export class CreateProjectBody {
  @ApiProperty({ pattern: projectSlug.source })
  @IsForm(projectSlug, 'be 1 to 63 lower-case letters, digits and hyphens, and not begin with a hyphen')
  id: string;

  @IsText(1_000, { least: 1 })
  name: string;
}

export class CreateApiKeyBody {
  @IsText(1_000, { least: 1 })
  name: string;

  @IsText(63, { least: 1 })
  project_id: string;

  @ApiProperty({ enum: roles, enumName: 'Role' })
  @IsEnumWord(roles)
  role: Role;

  /** Whose key it is; minted when absent. */
  @IsOptional()
  @IsUuid()
  user_id?: string | null;

  /** When it stops working, in the future; absent: never. */
  @ApiProperty({ format: 'date-time' })
  @IsOptional()
  @IsRfc3339()
  expires_at?: string | null;
}

export class ListProjectsQuery extends PageQuery {}

export class ListApiKeysQuery extends PageQuery {
  @IsOptional()
  @IsText(63)
  project_id?: string;

  @IsOptional()
  @IsUuid()
  user_id?: string;
}
