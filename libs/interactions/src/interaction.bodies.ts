import { IsOptional } from 'class-validator';
import type { Json } from '#eventsourcing';
import { IsCommaList, IsEnumWord, IsFlag, IsJson, IsRfc3339, IsText, PageQuery } from '#http';
import {
  type Decision,
  decisions,
  type InteractionKind,
  interactionKinds,
  type InteractionStatus,
  interactionStatuses,
} from './interaction.events.js';

export class RequestInteractionBody {
  /** Minted when absent. The same token again answers with the question that it names. */
  @IsOptional()
  @IsText(200, { least: 1 })
  token?: string | null;

  @IsEnumWord(interactionKinds)
  kind: InteractionKind;

  @IsOptional()
  @IsJson()
  request?: Json;

  @IsOptional()
  @IsRfc3339()
  expires_at?: string | null;
}

/** One of the two. */
export class RespondBody {
  @IsOptional()
  @IsJson()
  answer?: Json;

  /** `approve` and `deny` are taken too. */
  @IsOptional()
  @IsEnumWord(decisions, { approve: 'approved', deny: 'denied' })
  decision?: Decision | null;
}

export class EndInteractionBody {
  @IsOptional()
  @IsText()
  reason?: string | null;
}

export class ListInteractionsQuery extends PageQuery {
  @IsOptional()
  @IsCommaList(interactionStatuses)
  status?: InteractionStatus[];

  /** Only those that wait for an answer which the caller may give. */
  @IsFlag()
  actionable_only: boolean = false;
}
