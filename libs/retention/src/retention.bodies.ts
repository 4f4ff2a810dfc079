import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsIn, IsOptional, ValidateBy } from 'class-validator';
import { IsEnumWord, isObject, IsShape, IsText, IsUuid, IsWhole, PageQuery } from '#http';
import { durationOf } from './duration.js';
import {
  type RetentionAction,
  retentionActions,
  type RetentionKind,
  retentionKinds,
} from './retention.events.js';

const is = (name: string, must: string, validate: (value: unknown) => boolean): PropertyDecorator =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => `$property must ${must}` } });

const IsDuration = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ type: String, example: 'P90D' }),
    is(
      'isDuration',
      'be an ISO 8601 duration, such as P90D, P1Y or PT12H',
      (value) => typeof value === 'string' && durationOf(value) !== undefined,
    ),
  );

/** What may be kept; without a limit all is, whatever a wider scope says. */
export class RetentionLimitsBody {
  /** ISO 8601 duration; what is older is removed. */
  @IsOptional()
  @IsDuration()
  max_age?: string | null;

  /** Of one run's or session's content: beyond it the oldest is removed. */
  @IsOptional()
  @IsWhole(0)
  max_bytes?: number | null;

  /** `archive` writes what is removed into the archive first. */
  @IsEnumWord(retentionActions)
  action: RetentionAction = 'purge';
}

/** A policy, whose scope and kind the path names. */
export class SetRetentionPolicyBody extends RetentionLimitsBody {
  /** That of the path. */
  @IsOptional()
  @IsText(100)
  scope?: string | null;

  /** That of the path. */
  @IsOptional()
  @IsEnumWord(retentionKinds)
  kind?: RetentionKind | null;
}

/** A policy as it might be set. */
export class PreviewRetentionBody extends RetentionLimitsBody {
  /** `default`, `project`, or `session:` and an id. */
  @IsText(100)
  scope: string;

  @IsEnumWord(retentionKinds)
  kind: RetentionKind;
}

export class ListPoliciesQuery extends PageQuery {}

class HoldSubjectBody {
  @IsOptional()
  @IsUuid()
  session_id?: string | null;

  @IsOptional()
  @IsUuid()
  run_id?: string | null;

  @IsOptional()
  @IsUuid()
  user_id?: string | null;
}

export class PlaceLegalHoldBody {
  /** One of the three. */
  @is('isOneSubject', 'name one of session_id, run_id, user_id', isOneSubject)
  @IsShape(() => HoldSubjectBody)
  subject: HoldSubjectBody;

  @IsText(1_000, { least: 1 })
  reason: string;
}

/** What else the subject holds is refused by its own name. */
function isOneSubject(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { session_id, run_id, user_id } = value;
  return [session_id, run_id, user_id].filter((id) => id != null).length === 1;
}

const releasedFilters = ['false', 'true', 'any'] as const;

export class ListLegalHoldsQuery extends PageQuery {
  /** Whether those are listed that were released. */
  @IsIn(releasedFilters, { message: 'released must be one of false, true, any' })
  released: (typeof releasedFilters)[number] = 'false';
}

export class ReleaseLegalHoldQuery {
  /** Why it is released. */
  @IsOptional()
  @IsText(1_000, { least: 1 })
  reason?: string;
}
