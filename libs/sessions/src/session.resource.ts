import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import type { Json, JsonObject } from '#eventsourcing';
import type { RunStatus } from '#runs';
import type { SessionState } from './session.decider.js';
import type { SessionFigures, SessionStatus } from './session.figures.js';
import { featuresOf } from './features.js';
import { statusOf } from './session.figures.js';
import { usedOf } from './session.usage.js';
import {
  ForkedFromResource,
  InitialFileResource,
  NetworkAccessResource,
  SessionBudgetResource,
  SubagentResource,
  UsageResource,
} from './session-parts.resource.js';

/** A session as the API shows it. */
@ApiSchema({ name: 'Session' })
export class SessionResource {
  id: string;
  project_id: string;
  external_id: string | null;
  alias: string | null;
  user_id: string;
  owner_principal_id: string;
  resolved_owner_user_id: string;
  title: string | null;
  locale: string | null;
  tags: string[];
  parent_session_id: string | null;
  forked_from: ForkedFromResource | null;
  status: SessionStatus;
  archived_at: string | null;
  is_pinned: boolean;
  preview: string | null;
  output_preview: string | null;
  usage: UsageResource;
  /** Null without a limit. What was used before the session was last resumed does not count. */
  budget: SessionBudgetResource | null;
  run_counts: Record<RunStatus, number>;
  process_counts: { starting: number; running: number; ended: number };
  metadata: JsonObject;
  harness_id: string | null;
  agent_id: string | null;
  agent_version_id: string | null;
  agent_identity_id: string | null;
  model_id: string | null;
  capabilities: Json[];
  tools: Json[];
  mcp_servers: JsonObject;
  system_prompt: string | null;
  initial_files: InitialFileResource[];
  hints: JsonObject;
  network_access: NetworkAccessResource | null;
  max_iterations: number | null;
  blueprint_id: string | null;
  blueprint_config: Json;
  subagent: SubagentResource | null;
  features: string[];
  active_schedule_count: number;
  created_at: string;
  updated_at: string;
  started_at: string | null;
  finished_at: string | null;
  revision: number;
}

/** By what a session was found; `created` when it was not. */
export const resolutions = ['session_id', 'alias', 'created', 'forked'] as const;
export type Resolution = (typeof resolutions)[number];

@ApiSchema({ name: 'ResolvedSession' })
export class ResolvedSessionResource {
  session: SessionResource;
  @ApiProperty({ enum: resolutions })
  resolution: Resolution;
}

/**
 * A session as the API shows it, field by field: lists make many, and an object that is spread into another of
 * this size takes several times as long, as does its text.
 * @param pinned whether the caller has pinned it
 */
export function sessionResource(
  session: SessionState,
  figures: SessionFigures,
  pinned: boolean,
): SessionResource {
  return {
    id: session.id,
    project_id: session.project_id,
    external_id: session.external_id,
    alias: session.alias,
    user_id: session.user_id,
    owner_principal_id: session.owner_principal_id,
    resolved_owner_user_id: session.resolved_owner_user_id,
    title: session.title,
    locale: session.locale,
    tags: session.tags,
    parent_session_id: session.parent_session_id,
    forked_from: session.forked_from,
    status: statusOf(session, figures),
    archived_at: session.archived_at,
    is_pinned: pinned,
    preview: figures.preview,
    output_preview: figures.output_preview,
    usage: figures.usage,
    budget: session.budget && { ...session.budget, ...usedOf(figures) },
    run_counts: figures.run_counts,
    process_counts: figures.process_counts,
    metadata: session.metadata,
    harness_id: session.harness_id,
    agent_id: session.agent_id,
    agent_version_id: session.agent_version_id,
    agent_identity_id: session.agent_identity_id,
    model_id: session.model_id,
    capabilities: session.capabilities,
    tools: session.tools,
    mcp_servers: session.mcp_servers,
    system_prompt: session.system_prompt,
    initial_files: session.initial_files,
    hints: session.hints,
    network_access: session.network_access,
    max_iterations: session.max_iterations,
    blueprint_id: session.blueprint_id,
    blueprint_config: session.blueprint_config,
    subagent: session.subagent,
    features: featuresOf(session),
    active_schedule_count: figures.active_schedules.length,
    created_at: session.created_at,
    updated_at: session.updated_at,
    started_at: figures.started_at,
    finished_at: figures.finished_at,
    revision: session.revision,
  };
}
