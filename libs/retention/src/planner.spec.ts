import { describe, expect, it } from '@jest/globals';
import { placed } from './legal-hold.decider.js';
import type { HoldSubject } from './legal-hold.events.js';
import { planned } from './planner.js';
import type { Piece, RetainedContent, Subject } from './retained-content.js';
import { ruleOf } from './rules.js';

const now = Date.parse('2026-03-31T12:00:00Z');
const long = now - 86_400_000;
const idOf = (n: number): string => `01990000-0000-7000-8000-${String(n).padStart(12, '0')}`;

const subject = (n: number, more: Partial<Subject> = {}): Subject => ({
  ...{ id: idOf(n), session_id: 's', user_id: 'u', over: true, bytes: 10, oldest: long },
  ...more,
});
const piece = (n: number, seq: number, more: Partial<Piece> = {}): Piece => ({
  ...{ subject_id: idOf(n), first_seq: seq, last_seq: seq, bytes: 10, revision: seq - 1 },
  ...{ dated: long, from: long, to: long, run_ids: [], user_ids: [], over: true },
  ...more,
});

interface Asked {
  max_age?: string | null;
  max_bytes?: number | null;
  hold?: HoldSubject;
}

/** What is due of content that is given page by page, as a database gives it. */
async function due(
  subjects: readonly Subject[],
  pieces: readonly Piece[],
  { max_age = 'PT1H', max_bytes = null, hold = {} }: Asked = {},
): Promise<[string, number, number][]> {
  const content = {
    subjects: (_project: string, _eager: unknown, after: string, limit: number) =>
      Promise.resolve(subjects.filter(({ id }) => id > after).slice(0, limit)),
    pieces: (behind: ReadonlyMap<string, number>, limit: number) =>
      Promise.resolve(
        [...behind].flatMap(([id, seq]) =>
          pieces.filter((one) => one.subject_id === id && one.first_seq > seq).slice(0, limit),
        ),
      ),
  } as unknown as RetainedContent;
  const rules = {
    default: ruleOf('default', { max_age, max_bytes, action: 'purge' }),
    sessions: new Map(),
  };
  const held = placed({ hold_id: 'h', project_id: 'p', subject: hold, reason: 'case' }, 't', 'a');
  const found: [string, number, number][] = [];
  for await (const { removal } of planned({
    ...{ content, project: 'p', rules, now },
    holds: new Map([['h', held]]),
  })) {
    found.push([removal.id, removal.after_seq, removal.through_seq]);
  }
  return found;
}

describe('what is planned', () => {
  it('is what is old of each subject, however many there are', async () => {
    const many = Array.from({ length: 401 }, (_, n) => n + 1);
    expect(
      await due(
        many.map((n) => subject(n)),
        many.map((n) => piece(n, 1)),
      ),
    ).toEqual(many.map((n) => [idOf(n), 0, 1]));
  });

  it('is all that is old of one subject, however much it is', async () => {
    const much = Array.from({ length: 1_001 }, (_, n) => piece(1, n + 1));
    expect(await due([subject(1, { bytes: 10_010 })], much)).toEqual([
      [idOf(1), 0, 500],
      [idOf(1), 500, 1_000],
      [idOf(1), 1_000, 1_001],
    ]);
  });

  it('leaves as much as the size allows, however much is too much', async () => {
    const much = Array.from({ length: 1_001 }, (_, n) => piece(1, n + 1));
    const limits = { max_age: null, max_bytes: 3_010 };
    expect(await due([subject(1, { bytes: 10_010 })], much, limits)).toEqual([
      [idOf(1), 0, 500],
      [idOf(1), 500, 700],
    ]);
  });

  it('has what becomes too old at this very moment', async () => {
    expect(await due([subject(1)], [piece(1, 1, { dated: now - 3_600_000 })])).toHaveLength(1);
    expect(await due([subject(1)], [piece(1, 1, { dated: now - 3_599_999 })])).toEqual([]);
  });

  it.each<[string, Partial<Subject>, Partial<Piece>, HoldSubject]>([
    ['of a run that runs', { over: false }, {}, {}],
    ['that a run which still runs has said', {}, { over: false }, {}],
    ['that another session shows', {}, { sharers: [{ session_id: 'f', user_id: 'u', live: true }] }, {}],
    ['of a run on which a hold stands', {}, {}, { run_id: idOf(1) }],
    ['that a run has said on which a hold stands', {}, { run_ids: ['r'] }, { run_id: 'r' }],
    ['of a session on which a hold stands', {}, {}, { session_id: 's' }],
    ['of a user on whom a hold stands', {}, {}, { user_id: 'u' }],
    ['that the run of a user has said on whom a hold stands', {}, { user_ids: ['w'] }, { user_id: 'w' }],
  ])('has nothing %s, nor what stands behind it', async (_name, ofSubject, ofPiece, hold) => {
    expect(await due([subject(1, ofSubject)], [piece(1, 1, ofPiece), piece(1, 2)], { hold })).toEqual([]);
  });
});
