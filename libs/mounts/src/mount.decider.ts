import type { Decider, Envelope, JsonObject } from '#eventsourcing';
import { expectMetadataFits, RuleViolation, shallowMerge } from '#eventsourcing';
import type { MountBirth, MountDetails, MountFact } from './mount.events.js';

/** A mount as its stream tells it, in the words of the API. */
export interface MountState {
  readonly id: string;
  readonly project_id: string;
  readonly session_id: string;
  readonly user_id: string;
  readonly slug: string;
  readonly name: string | null;
  readonly uri: string;
  readonly read_only: boolean;
  readonly metadata: JsonObject;
  readonly archived_at: string | null;
  readonly created_at: string;
  readonly updated_at: string;
  readonly revision: number;
}

export type Mount = MountState | undefined;

export const mountDecider: Decider<Mount, MountFact> = {
  initial: undefined,
  evolve: (mount, fact, envelope) => {
    if (fact.type === 'MountCreated') return born(fact.data, envelope);
    return mount && changed(mount, fact, envelope);
  },
  weigh: (mount) => (mount === undefined ? 0 : 2 * JSON.stringify(mount).length),
};

function born(birth: MountBirth, { metadata: { at } }: Envelope): MountState {
  const { mount_id: id, name = null, ...given } = birth;
  return { id, ...given, name, archived_at: null, created_at: at, updated_at: at, revision: 1 };
}

function changed(
  mount: MountState,
  fact: Exclude<MountFact, { type: 'MountCreated' }>,
  { metadata: { at } }: Envelope,
): MountState {
  const touched = { ...mount, updated_at: at, revision: mount.revision + 1 };
  switch (fact.type) {
    case 'MountUpdated': {
      const { metadata = {}, ...details } = fact.data;
      return { ...touched, ...details, metadata: shallowMerge(mount.metadata, metadata) };
    }
    case 'MountArchived':
      return { ...touched, archived_at: at };
    case 'MountUnarchived':
      return { ...touched, archived_at: null };
  }
}

/** A mount is created once; the same birth again changes nothing. */
export function createMount(mount: Mount, birth: MountBirth): MountFact[] {
  return mount === undefined ? [{ type: 'MountCreated', data: birth }] : [];
}

/** Changes what differs. @throws RuleViolation not_found, revision_mismatch, validation_failed */
export function changeMount(
  mount: Mount,
  { metadata, ...details }: MountDetails & { readonly metadata?: JsonObject },
  expected?: number,
): MountFact[] {
  const before = present(mount, expected);
  const news: [string, unknown][] = Object.entries(details).filter(
    ([key, value]) => !same(value, before[key as keyof MountDetails]),
  );
  if (metadata !== undefined && !same(shallowMerge(before.metadata, metadata), before.metadata)) {
    expectMetadataFits(before.metadata, metadata);
    news.push(['metadata', metadata]);
  }
  return news.length === 0 ? [] : [{ type: 'MountUpdated', data: Object.fromEntries(news) }];
}

/** Archives a mount, or takes it back; one that is so already stays so. @throws RuleViolation not_found, revision_mismatch */
export function archiveMount(mount: Mount, archived: boolean, expected?: number): MountFact[] {
  const before = present(mount, expected);
  if ((before.archived_at !== null) === archived) return [];
  return [{ type: archived ? 'MountArchived' : 'MountUnarchived', data: {} }];
}

function present(mount: Mount, expected: number | undefined): MountState {
  if (mount === undefined) throw new RuleViolation('not_found', 'there is no such mount');
  if (expected !== undefined && expected !== mount.revision) {
    const detail = `the mount is at revision ${mount.revision}, not ${expected}`;
    throw new RuleViolation('revision_mismatch', detail);
  }
  return mount;
}

const same = (a: unknown, b: unknown): boolean => JSON.stringify(a) === JSON.stringify(b);
