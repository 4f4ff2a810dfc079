import type { Fact, JsonObject } from '#eventsourcing';

/** What can be changed later. */
export interface MountDetails {
  readonly name?: string | null;
  /** Where the area is: an absolute URI. What is there is nothing that the service knows of. */
  readonly uri?: string;
  readonly read_only?: boolean;
}

export interface MountBirth {
  readonly mount_id: string;
  readonly project_id: string;
  readonly session_id: string;
  /** Whose session it is. */
  readonly user_id: string;
  /** Its name in the project, for good. */
  readonly slug: string;
  readonly name?: string;
  readonly uri: string;
  readonly read_only: boolean;
  readonly metadata: JsonObject;
}

export type MountCreated = Fact<'MountCreated', MountBirth>;
/** Metadata is merged key by key; null removes a key. Everything else replaces. */
export type MountUpdated = Fact<'MountUpdated', MountDetails & { readonly metadata?: JsonObject }>;
export type MountArchived = Fact<'MountArchived', Record<string, never>>;
export type MountUnarchived = Fact<'MountUnarchived', Record<string, never>>;

/** The facts of a stream `mount-<id>`. */
export type MountFact = MountCreated | MountUpdated | MountArchived | MountUnarchived;

export const mountStreams = 'mount-';
export const mountStream = (id: string): string => `${mountStreams}${id}`;

/** The stream that reserves a slug; its facts are those of every name that is reserved. */
export const slugStream = (project: string, slug: string): string => `mountSlug-${project}/${slug}`;
