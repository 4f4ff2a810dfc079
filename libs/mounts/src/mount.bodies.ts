import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, ValidateBy } from 'class-validator';
import type { JsonObject } from '#eventsourcing';
import { IsEnumWord, IsFlag, IsForm, IsMetadata, IsText, IsUuid, MayBeAbsent, PageQuery } from '#http';
import { isPointer } from './pointer.js';

const slugForm = /^[a-z0-9][a-z0-9-]{0,62}$/;

const IsSlug = (): PropertyDecorator =>
  IsForm(slugForm, 'be 1 to 63 lower-case letters, digits and hyphens, no hyphen first');

const IsPointer = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ type: String, format: 'uri', maxLength: 2_048 }),
    ValidateBy({
      name: 'isPointer',
      validator: {
        validate: isPointer,
        defaultMessage: () =>
          '$property must be an absolute URI of at most 2048 characters, without credentials',
      },
    }),
  );

export class CreateMountBody {
  @IsSlug()
  slug: string;

  @IsOptional()
  @IsText(1_000)
  name?: string | null;

  /** Where the area is; the service keeps the pointer, and never follows it. */
  @IsPointer()
  uri: string;

  @IsFlag()
  read_only: boolean = false;

  @IsOptional()
  @IsMetadata()
  metadata?: JsonObject | null;
}

/** What is absent stays; a null name is taken away. Metadata is merged. */
export class UpdateMountBody {
  @IsOptional()
  @IsText(1_000)
  name?: string | null;

  @MayBeAbsent()
  @IsPointer()
  uri?: string;

  @MayBeAbsent()
  @IsFlag()
  read_only?: boolean;

  @MayBeAbsent()
  @IsMetadata()
  metadata?: JsonObject;
}

export class ListSessionMountsQuery extends PageQuery {
  @IsOptional()
  @IsSlug()
  slug?: string;

  @IsEnumWord(['false', 'true', 'any'], {})
  archived: 'false' | 'true' | 'any' = 'false';
}

export class ListMountsQuery extends ListSessionMountsQuery {
  @ApiProperty({ required: true })
  @IsOptional()
  @IsUuid()
  session_id?: string;
}
