import type { Decider } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { RebuildCompleted, RebuildFact, RebuildRequested } from './rebuild.events.js';

export type RebuildState = RebuildRequested['data'] & {
  readonly state: 'requested' | 'completed' | 'failed' | 'abandoned';
  readonly requested_at: string;
  readonly requested_by: string;
  /** Of whoever asked for it. */
  readonly project: string;
  readonly ended_at: string | null;
  readonly reason: string | null;
  readonly result: Omit<RebuildCompleted['data'], 'rebuild_id'> | null;
};

/** The rebuilds of one projection, the oldest first; long past ones are forgotten. */
export type RebuildsState = readonly RebuildState[];

/** Most rebuilds that a projection remembers. */
export const remembered = 100;

export const rebuildsDecider: Decider<RebuildsState, RebuildFact> = {
  initial: [],
  evolve: (rebuilds, fact, { metadata: { at, actor, project } }) => {
    if (fact.type === 'RebuildRequested') {
      const begun = { state: 'requested', requested_at: at, requested_by: actor, project } as const;
      return [...rebuilds, { ...fact.data, ...begun, ended_at: null, reason: null, result: null }].slice(
        -remembered,
      );
    }
    return rebuilds.map((one) => (one.rebuild_id === fact.data.rebuild_id ? ended(one, fact, at) : one));
  },
};

function ended(
  rebuild: RebuildState,
  fact: Exclude<RebuildFact, RebuildRequested>,
  at: string,
): RebuildState {
  switch (fact.type) {
    case 'RebuildCompleted': {
      const { rebuild_id: _, ...result } = fact.data;
      return { ...rebuild, state: 'completed', ended_at: at, result };
    }
    case 'RebuildFailed':
      return { ...rebuild, state: 'failed', ended_at: at, reason: fact.data.reason };
    case 'RebuildAbandoned':
      return { ...rebuild, state: 'abandoned', ended_at: at };
  }
}

/** The rebuild that has not come to an end, of which there is one at most. */
export const open = (rebuilds: RebuildsState): RebuildState | undefined =>
  rebuilds.find(({ state }) => state === 'requested');

/** @throws RuleViolation already_running */
export function requestRebuild(rebuilds: RebuildsState, asked: RebuildRequested['data']): RebuildFact[] {
  const running = open(rebuilds);
  if (running === undefined) return [{ type: 'RebuildRequested', data: asked }];
  throw new RuleViolation(
    'already_running',
    `rebuild ${running.rebuild_id} of ${asked.projection} is running`,
    {
      rebuild_id: running.rebuild_id,
    },
  );
}

/** Ends a rebuild; one that has ended stays as it is. @throws RuleViolation not_found */
export function endRebuild(
  rebuilds: RebuildsState,
  end: Exclude<RebuildFact, RebuildRequested>,
): RebuildFact[] {
  const known = rebuilds.find(({ rebuild_id }) => rebuild_id === end.data.rebuild_id);
  if (known === undefined) throw new RuleViolation('not_found', `there is no rebuild ${end.data.rebuild_id}`);
  return known.state === 'requested' ? [end] : [];
}
