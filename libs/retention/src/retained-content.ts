import type { Causation } from '#eventsourcing';
import type { HeldBy } from './legal-hold.decider.js';
import type { RetentionKind } from './retention.events.js';
import type { Sharer } from './sharers.js';
import type { RemovalRecord } from './sweep.events.js';

/** A run or session that has content of one kind. Times are milliseconds since 1970. */
export interface Subject {
  readonly id: string;
  readonly session_id: string | null;
  readonly user_id: string;
  /** Whether the read model knows it to run no more; content of what runs is left alone. */
  readonly over: boolean;
  /** What is stored of it. */
  readonly bytes: number;
  /** From when the age of its oldest content counts. */
  readonly oldest: number;
}

/** Content that is removed as one: an event of its stream, or all that one process has left. */
export interface Piece {
  readonly subject_id: string;
  readonly first_seq: number;
  readonly last_seq: number;
  readonly bytes: number;
  /** From when its age counts: no part of it is younger. */
  readonly dated: number;
  /** Earliest and latest time that it names. */
  readonly from: number;
  readonly to: number;
  readonly revision: number;
  /** The runs and users whose content it is beside its subject's, and whether all those runs are over. */
  readonly run_ids: readonly string[];
  readonly user_ids: readonly string[];
  readonly over: boolean;
  /** The sessions that show it too, and have not let it go yet. */
  readonly sharers?: readonly Sharer[];
}

/** What there may be to remove: content dated no later (for SQL), or of subjects with more bytes. */
export interface Eager {
  readonly dated: string;
  readonly bytes: number;
}

/** Why something is removed. */
export interface Cause {
  readonly operation_id: string;
  readonly scope: string;
  /** Name of the manifest in the archive. */
  readonly archive?: string;
}

/** What is stored and what was removed of one subject. */
export interface Stored {
  readonly count: number;
  readonly bytes: number;
  /** Milliseconds since 1970; null when nothing is stored. */
  readonly oldest: number | null;
  readonly purged_count: number;
  readonly purged_bytes: number;
  /** The sessions that still show some of it too: the first 100. */
  readonly shared_with?: readonly string[];
}

/** Whose content something is, as the streams have it. */
export interface Belonging extends HeldBy {
  /** Whether no run of theirs runs. */
  readonly over: boolean;
  readonly sharers?: readonly Sharer[];
}

/** One kind of content, as retention looks at it; the room that keeps the content implements it. */
export abstract class RetainedContent {
  abstract readonly kind: RetentionKind;
  /** Name of the projection that what it says of subjects and pieces is read from. */
  abstract readonly projection: string;
  /** Its tables that shrink when content is removed, with their schema. */
  abstract readonly tables: readonly string[];

  /** The subjects of a project that have something to look at, by id. */
  abstract subjects(project: string, eager: Eager, after: string, limit: number): Promise<Subject[]>;

  /** The oldest pieces of some subjects, behind a `seq` each, at most so many of each; by subject and `seq`. */
  abstract pieces(behind: ReadonlyMap<string, number>, limit: number): Promise<Piece[]>;

  /** Whose content a removal takes, and whether no run of theirs runs, as the streams have it. */
  abstract belongsTo(removal: RemovalRecord): Promise<Belonging>;

  /** Whether it has been written down already that it is gone. */
  abstract isRemoved(removal: RemovalRecord): Promise<boolean>;

  /** The content as NDJSON, a line for each entry, in order. */
  abstract lines(removal: RemovalRecord): AsyncIterable<string>;

  /**
   * Writes down that it is gone, and lets the store remove it; done again it does nothing more.
   * @returns position of the last event, for which the projection must have waited before it is asked again
   */
  abstract remove(removals: readonly RemovalRecord[], cause: Cause, by: Causation): Promise<bigint>;

  abstract stored(id: string): Promise<Stored>;
}

/** All kinds of content that there are. */
export class RetainedContents {
  constructor(readonly all: readonly RetainedContent[]) {}

  of(kind: RetentionKind): RetainedContent | undefined {
    return this.all.find((content) => content.kind === kind);
  }
}

/** A time as pieces and subjects tell it: milliseconds since 1970. @param column SQL of a timestamptz */
export const millisecondsSql = (column: string): string =>
  `(extract(epoch FROM ${column}) * 1000)::double precision`;
