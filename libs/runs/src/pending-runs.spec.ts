import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type PendingRun, PendingRuns } from './pending-runs.js';

const run = (id: string, project_id = 'p', metadata = {}): PendingRun => ({
  id,
  project_id,
  user_id: 'user',
  task_id: 'task',
  job_id: null,
  session_id: null,
  parent_run_id: null,
  root_run_id: id,
  kind: 'job',
  source: null,
  status: 'pending',
  started_at: null,
  ended_at: null,
  metadata,
  behind: [],
});
const all = () => true;
const sourceOf = (id: string) => (id < 'c' ? 'early' : id < 'e' ? 'late' : null);
const idsOf = (runs: readonly PendingRun[]) => runs.map(({ id }) => id);
const filled = (...ids: string[]): PendingRuns => {
  const pending = new PendingRuns(1e6);
  for (const id of ids) pending.add(run(id));
  return pending;
};

describe('pending runs in memory', () => {
  it('are given by project and source, the oldest first, in whatever order they came and went', () => {
    const ids = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
    const steps = fc.array(fc.tuple(fc.boolean(), fc.constantFrom('p', 'q'), ids));
    fc.assert(
      fc.property(steps, (all_) => {
        const pending = new PendingRuns(1e6);
        const model = new Map<string, string>();
        for (const [adds, project, id] of all_) {
          if (adds && !model.has(id)) model.set(id, project);
          if (!adds) model.delete(id);
          if (adds) pending.add({ ...run(id, project), source: sourceOf(id) });
          else pending.remove(id);
        }
        for (const project of ['p', 'q']) {
          const wanted = [...model].filter(([, of]) => of === project).map(([id]) => id);
          expect(idsOf(pending.oldest(project, all, 9))).toEqual(wanted.sort());
          for (const source of ['early', 'late']) {
            const ofSource = wanted.filter((id) => sourceOf(id) === source);
            expect(idsOf(pending.oldest(project, all, 9, source))).toEqual(ofSource);
          }
        }
      }),
    );
  });

  it('are given as far as they are wanted, and no more', () => {
    const pending = filled('a', 'b', 'c', 'd');
    expect(idsOf(pending.oldest('p', ({ id }) => id !== 'b', 2))).toEqual(['a', 'c']);
  });

  it('are refused when there is no room, and taken when there is again', () => {
    const pending = new PendingRuns(5_000);
    const large = run('a', 'p', { text: 'x'.repeat(1_900) });
    expect([pending.add(large), pending.add(run('b'))]).toEqual([true, false]);
    expect(pending.roomy).toBe(false);
    pending.remove('a');
    expect([pending.roomy, pending.add(run('b'))]).toEqual([true, true]);
  });

  it('are left aside until their holder is freed', () => {
    const pending = filled('a', 'b', 'c');
    pending.block('a', 'holder');
    pending.block('b', 'other');
    expect(idsOf(pending.oldest('p', all, 9))).toEqual(['c']);
    expect(idsOf(pending.free('holder'))).toEqual(['a']);
    expect(idsOf(pending.free('holder'))).toEqual([]);
    expect(idsOf(pending.oldest('p', all, 9))).toEqual(['a', 'c']);
  });

  it('are forgotten with what they waited for', () => {
    const pending = filled('a');
    pending.block('a', 'holder');
    pending.remove('a');
    expect(pending.free('holder')).toEqual([]);
    pending.add(run('a'));
    expect(pending.isBlocked('a')).toBe(false);
  });
});
