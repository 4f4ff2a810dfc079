import { IsArray, IsOptional } from 'class-validator';
import type { Json, JsonObject } from '#eventsourcing';
import {
  IsEnumWord,
  IsFlag,
  IsForm,
  IsJson,
  IsJsonObject,
  IsListOf,
  IsMoreThan,
  IsShape,
  IsTags,
  IsText,
  IsWhole,
  MayBeAbsent,
} from '#http';
import type { SubagentStatus } from './session.events.js';
import { subagentStatuses } from './session.events.js';

/** BCP 47, as far as its form goes (RFC 5646 section 2.1). */
const locale = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/;
const promptLength = 256 * 1024;

export class NetworkAccessBody {
  @IsText(500, { each: true, least: 1 })
  @IsArray()
  allowed: string[] = [];

  @IsText(500, { each: true, least: 1 })
  @IsArray()
  blocked: string[] = [];
}

export class InitialFileBody {
  @IsText(1_000, { least: 1 })
  path: string;

  @IsText(promptLength)
  content: string;

  @IsOptional()
  @IsEnumWord(['text', 'base64'])
  encoding?: 'text' | 'base64' | null;

  @IsOptional()
  @IsFlag()
  is_readonly?: boolean | null;
}

export class SubagentBody {
  @IsText(1_000, { least: 1 })
  name: string;

  @IsOptional()
  @IsText(100_000)
  task: string | null = null;

  @IsEnumWord(subagentStatuses)
  status: SubagentStatus = 'spawning';
}

/** What is absent stays; a session that is no sub-agent yet becomes one by its name. */
export class SubagentChangeBody {
  @MayBeAbsent()
  @IsText(1_000, { least: 1 })
  name?: string;

  @IsOptional()
  @IsText(100_000)
  task?: string | null;

  @MayBeAbsent()
  @IsEnumWord(subagentStatuses)
  status?: SubagentStatus;
}

/** Limits of what the session's runs may use; null, or both left out, is none. */
export class BudgetBody {
  /** Input and output tokens together. */
  @IsOptional()
  @IsWhole(1)
  max_tokens: number | null = null;

  @IsOptional()
  @IsMoreThan(0, 1e9)
  max_cost_usd: number | null = null;
}

/** What creation and PATCH take alike. */
export class SessionDetailsBody {
  @IsOptional()
  @IsText()
  title?: string | null;

  @IsOptional()
  @IsForm(locale, 'be a BCP 47 language tag')
  locale?: string | null;

  @IsOptional()
  @IsTags()
  tags?: string[] | null;

  @IsOptional()
  @IsShape(() => BudgetBody)
  budget?: BudgetBody | null;

  @IsOptional()
  @IsText()
  harness_id?: string | null;

  @IsOptional()
  @IsText()
  agent_id?: string | null;

  @IsOptional()
  @IsText()
  agent_version_id?: string | null;

  @IsOptional()
  @IsText()
  agent_identity_id?: string | null;

  @IsOptional()
  @IsText()
  model_id?: string | null;

  @IsOptional()
  @IsArray()
  capabilities?: Json[] | null;

  @IsOptional()
  @IsArray()
  tools?: Json[] | null;

  @IsOptional()
  @IsJsonObject()
  mcp_servers?: JsonObject | null;

  @IsOptional()
  @IsText(promptLength)
  system_prompt?: string | null;

  @IsOptional()
  @IsListOf(() => InitialFileBody, 0)
  initial_files?: InitialFileBody[] | null;

  @IsOptional()
  @IsJsonObject()
  hints?: JsonObject | null;

  @IsOptional()
  @IsShape(() => NetworkAccessBody)
  network_access?: NetworkAccessBody | null;

  @IsOptional()
  @IsWhole(1)
  max_iterations?: number | null;

  @IsOptional()
  @IsText()
  blueprint_id?: string | null;

  @IsOptional()
  @IsJson()
  blueprint_config?: Json;
}
