import { dueCount, eagerest, removalOf } from './due.js';
import { holdsOn, type LegalHolds } from './legal-hold.decider.js';
import type { Piece, RetainedContent, Subject } from './retained-content.js';
import { allRules, nearest, type Rule, type Rules } from './rules.js';
import { isShared } from './sharers.js';
import type { RemovalRecord } from './sweep.events.js';

/** Something to be removed, and the rule that says so. */
export interface Due {
  readonly removal: RemovalRecord;
  readonly rule: Rule;
  readonly pieces: number;
}

export interface Plan {
  readonly content: RetainedContent;
  readonly project: string;
  readonly rules: Rules;
  readonly holds: LegalHolds;
  /** Milliseconds since 1970. */
  readonly now: number;
}

const subjectsAtOnce = 200;
/** How many pieces of one subject are looked at, and become one removal, at once. */
const piecesAtOnce = 500;

/**
 * What is due now, by id of run or session; what is much of one comes as several removals that follow each
 * other. The preview counts these, the sweep carries them out.
 */
export async function* planned(plan: Plan): AsyncGenerator<Due> {
  const { content, project, rules, now } = plan;
  const all = allRules(rules);
  if (all.length === 0) return;
  const eager = eagerest(all, now);
  for (let after = noId; ;) {
    const subjects = await content.subjects(project, eager, after, subjectsAtOnce);
    yield* ofSubjects(plan, subjects);
    const last = subjects.at(-1);
    if (last === undefined || subjects.length < subjectsAtOnce) return;
    after = last.id;
  }
}

const noId = '00000000-0000-0000-0000-000000000000';

async function* ofSubjects({ content, rules, holds, now }: Plan, subjects: readonly Subject[]) {
  const looked = subjects.filter(
    (subject) => subject.over && nearest(rules, subject.session_id) !== undefined,
  );
  const first = grouped(await content.pieces(new Map(looked.map(({ id }) => [id, 0])), piecesAtOnce));
  for (const subject of looked) {
    const rule = nearest(rules, subject.session_id);
    let pieces = first.get(subject.id) ?? [];
    let { bytes } = subject;
    while (rule !== undefined) {
      const due = pieces.slice(
        0,
        dueCount(pieces, bytes, rule, now, (piece) => stays(piece, subject, holds)),
      );
      if (!isSome(due)) break;
      const removal = removalOf(due);
      yield { removal, rule, pieces: due.length };
      if (due.length < piecesAtOnce) break;
      bytes -= removal.bytes;
      pieces = await content.pieces(new Map([[subject.id, removal.through_seq]]), piecesAtOnce);
    }
  }
}

/** Where the subject is a session its id is no run's, so that no hold on a run can name it. */
const stays = (piece: Piece, { id, session_id, user_id }: Subject, holds: LegalHolds): boolean =>
  !piece.over ||
  isShared(piece.sharers ?? [], holds) ||
  holdsOn(holds, {
    run_ids: [id, ...piece.run_ids],
    session_id,
    user_ids: [user_id, ...piece.user_ids],
  }).length > 0;

const isSome = <T>(list: readonly T[]): list is readonly [T, ...T[]] => list.length > 0;

function grouped(pieces: readonly Piece[]): Map<string, Piece[]> {
  const groups = new Map<string, Piece[]>();
  for (const piece of pieces) {
    const group = groups.get(piece.subject_id);
    if (group === undefined) groups.set(piece.subject_id, [piece]);
    else group.push(piece);
  }
  return groups;
}
