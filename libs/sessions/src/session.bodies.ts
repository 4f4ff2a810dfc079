import { IsArray, IsNumber, IsOptional, IsPositive, Max } from 'class-validator';
import type { Json, JsonObject } from '#eventsourcing';
import {
  IsCommaList,
  IsEnumWord,
  IsFlag,
  IsForm,
  IsJson,
  IsJsonObject,
  IsListOf,
  IsMetadata,
  IsRfc3339,
  IsShape,
  IsTags,
  IsText,
  IsUuid,
  IsWhole,
  PageQuery,
  Repeatable,
} from '#http';
import type { SubagentStatus } from './session.events.js';
import { subagentStatuses } from './session.events.js';
import { type SessionStatus, sessionStatuses } from './session.figures.js';

const externalId = /^[A-Za-z0-9_.-]{1,128}$/;
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
  encoding?: 'text' | 'base64';

  @IsOptional()
  @IsFlag()
  is_readonly?: boolean;
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
  @IsOptional()
  @IsText(1_000, { least: 1 })
  name?: string | null;

  @IsOptional()
  @IsText(100_000)
  task?: string | null;

  @IsOptional()
  @IsEnumWord(subagentStatuses)
  status?: SubagentStatus | null;
}

/** Limits of what the session's runs may use; null, or both left out, is none. */
export class BudgetBody {
  /** Input and output tokens together. */
  @IsOptional()
  @IsWhole(1)
  max_tokens: number | null = null;

  @IsOptional()
  @Max(1e9, { message: '$property must be at most $constraint1' })
  @IsPositive({ message: '$property must be more than 0' })
  @IsNumber({}, { message: '$property must be a number' })
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
  @IsMetadata()
  metadata?: JsonObject | null;

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

/** A sub-session, where the path names the parent. */
export class CreateSubsessionBody extends SessionDetailsBody {
  @IsOptional()
  @IsForm(externalId, 'be 1 to 128 letters, digits, dots, dashes or underscores')
  external_id?: string | null;

  @IsOptional()
  @IsText(1_000, { least: 1 })
  alias?: string | null;

  @IsOptional()
  @IsShape(() => SubagentBody)
  subagent?: SubagentBody | null;

  @IsOptional()
  @IsUuid()
  user_id?: string | null;
}

export class CreateSessionBody extends CreateSubsessionBody {
  @IsOptional()
  @IsUuid()
  parent_session_id?: string | null;
}

export class UpdateSessionBody extends SessionDetailsBody {
  /** Null: the session is a sub-agent no more, and its name is free. */
  @IsOptional()
  @IsShape(() => SubagentChangeBody)
  subagent?: SubagentChangeBody | null;

  @IsOptional()
  @IsText(1_000, { least: 1 })
  alias?: string | null;
}

/** Where a session is forked, at the end of its feed if nothing says otherwise, and what differs in the fork. */
export class ForkSessionBody {
  /** Number of the last event that is shared. */
  @IsOptional()
  @IsWhole(1)
  at_sequence?: number | null;

  /** All is shared that was made by then. */
  @IsOptional()
  @IsRfc3339()
  at_time?: string | null;

  /** The source's as it was then, if none is given. */
  @IsOptional()
  @IsText()
  title?: string | null;

  /** The source's as they were then, if none are given. */
  @IsOptional()
  @IsTags()
  tags?: string[] | null;
}

/** Tried in this order: a fork, the id, the alias, a new session. */
export class ResolveSessionBody {
  /** Alias, else id, of a session that a fork is made of, at the end of its feed. */
  @IsOptional()
  @IsText(1_000, { least: 1 })
  fork_from?: string | null;

  @IsOptional()
  @IsUuid()
  session_id?: string | null;

  /** Names what is found or made from then on. */
  @IsOptional()
  @IsText(1_000, { least: 1 })
  alias?: string | null;
}

export class CommandBody {
  /** `/status`, `/terminate` or `/compact`. */
  @IsText(1_000, { least: 1 })
  text: string;
}

/** Words of older data, which are read as those of today. */
const olderStatuses = { running: 'active', pending: 'idle', completed: 'idle', failed: 'idle' };

/** The filters of a list of sessions, without the parent that the path may name. */
export class ListSubsessionsQuery extends PageQuery {
  @IsOptional()
  @IsCommaList(sessionStatuses, olderStatuses)
  status?: SessionStatus[];

  @IsOptional()
  @Repeatable()
  @IsText(200, { each: true })
  tag?: string[];

  @IsOptional()
  @IsText()
  alias?: string;

  @IsOptional()
  @IsText()
  external_id?: string;

  @IsOptional()
  @IsUuid()
  user_id?: string;

  @IsOptional()
  @IsText(200, { least: 1 })
  q?: string;

  @IsOptional()
  @IsRfc3339()
  created_after?: string;

  @IsOptional()
  @IsRfc3339()
  created_before?: string;

  @IsEnumWord(['false', 'true', 'any'])
  archived: 'false' | 'true' | 'any' = 'false';

  @IsFlag()
  include_empty: boolean = false;
}

export class ListSessionsQuery extends ListSubsessionsQuery {
  @IsOptional()
  @IsUuid()
  parent_session_id?: string;
}
