import { IsOptional } from 'class-validator';
import type { JsonObject } from '#eventsourcing';
import {
  IsCommaList,
  IsEnumWord,
  IsFlag,
  IsForm,
  IsMetadata,
  IsRfc3339,
  IsShape,
  IsTags,
  IsText,
  IsUuid,
  IsWhole,
  MayBeAbsent,
  PageQuery,
  Repeatable,
} from '#http';
import { SessionDetailsBody, SubagentBody, SubagentChangeBody } from './session-details.body.js';
import { type SessionStatus, sessionStatuses } from './session.figures.js';

const externalId = /^[A-Za-z0-9_.-]{1,128}$/;

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

  @IsOptional()
  @IsMetadata()
  metadata?: JsonObject | null;
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

  /** Merged into what is there; null removes a key. */
  @MayBeAbsent()
  @IsMetadata()
  metadata?: JsonObject;
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
  /** `running` is taken for `active`; `pending`, `completed` and `failed` for `idle`. */
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
