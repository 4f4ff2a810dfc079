import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { IsOptional, ValidateBy } from 'class-validator';
import {
  IsCommaList,
  IsEnumWord,
  IsFlag,
  IsShape,
  IsText,
  IsUuid,
  MayBeAbsent,
  note,
  PageQuery,
} from '#http';
import { runKinds, runStatuses, type RunKind, type RunStatus } from '#runs';
import { parsedUrl } from './destination.js';
import { isSecret } from './signature.js';
import { arePatterns, splitPatterns } from './subscription.js';
import { deliveryStatuses, type DeliveryStatus } from './delivery.resource.js';

const is = (name: string, must: string, validate: (value: unknown) => boolean): PropertyDecorator =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => `$property must ${must}` } });

const IsDestination = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({ type: String, format: 'uri' }),
    is(
      'isDestination',
      'be an http or https URL of at most 2048 characters, without credentials or fragment',
      (value) => parsedUrl(value) !== undefined,
    ),
  );

const ArePatterns = (): PropertyDecorator =>
  applyDecorators(
    ApiProperty({
      // No list alone, as the type of the field has it once it is read.
      type: Object,
      isArray: false,
      oneOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' }, maxItems: 50 }],
      example: 'run.completed,run.failed',
    }),
    note({ convert: splitPatterns }),
    is(
      'arePatterns',
      'be a comma list or list of 1 to 50 of: *, a family such as run.* or x.*, a type such as run.completed',
      arePatterns,
    ),
  );

/** Every condition must hold; what an event does not have, it does not match. */
export class WebhookFilterBody {
  @IsOptional()
  @IsUuid()
  session_id?: string | null;

  @IsOptional()
  @IsUuid()
  run_id?: string | null;

  /** Source of the event's run. */
  @IsOptional()
  @IsText(1_000, { least: 1 })
  source?: string | null;

  /** Kind of the event's run. */
  @IsOptional()
  @IsEnumWord(runKinds)
  kind?: RunKind | null;

  /** Status that the run has come to by the event. */
  @IsOptional()
  @IsEnumWord(runStatuses)
  status?: RunStatus | null;
}

class WebhookDetailsBody {
  @IsOptional()
  @IsText()
  description?: string | null;

  @IsOptional()
  @IsShape(() => WebhookFilterBody)
  filter?: WebhookFilterBody | null;
}

export class CreateWebhookBody extends WebhookDetailsBody {
  @IsDestination()
  url: string;

  @ArePatterns()
  event_pattern: string[];

  @IsFlag()
  enabled: boolean = true;

  /** `whsec_` and the base64 of 24 to 64 bytes; minted when absent. */
  @IsOptional()
  @is('isSecret', 'be whsec_ and the base64 of 24 to 64 bytes', isSecret)
  secret?: string | null;
}

/** What is absent stays; a null description or filter is taken away. */
export class UpdateWebhookBody extends WebhookDetailsBody {
  @MayBeAbsent()
  @IsDestination()
  url?: string;

  @MayBeAbsent()
  @ArePatterns()
  event_pattern?: string[];

  @MayBeAbsent()
  @IsFlag()
  enabled?: boolean;
}

export class ListWebhooksQuery extends PageQuery {}

export class ListDeliveriesQuery extends PageQuery {
  @IsOptional()
  @IsCommaList(deliveryStatuses, {})
  status?: DeliveryStatus[];
}
