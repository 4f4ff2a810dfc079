import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '#eventsourcing';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { pin, pinDecider, type Pins } from './pin.decider.js';
import { type Session, sessionDecider, type SessionState, settled } from './session.decider.js';
import {
  archiveSession,
  changeAlias,
  changeSession,
  claimSession,
  type ClaimMode,
  createSession,
  deleteSession,
  forkOf,
  requestCompaction,
} from './session-changes.decider.js';
import type { PinFact, SessionBirth, SessionFact } from './session.events.js';

const birth: SessionBirth = {
  session_id: '01900000-0000-7000-8000-000000000001',
  project_id: 'default',
  user_id: '01900000-0000-7000-8000-0000000000aa',
  owner_principal_id: '01900000-0000-7000-8000-0000000000bb',
  title: 'First',
  tags: ['a', 'b'],
  metadata: { team: 'red', size: 1 },
};
const created: SessionFact = { type: 'SessionCreated', data: birth };
const deleted: SessionFact = { type: 'SessionDeleted', data: {} };
const named: SessionFact = { type: 'SessionAliasChanged', data: { alias: 'main' } };
const known = (session: Session): SessionState => session as SessionState;

describe('creating a session', () => {
  it('written: its whole birth', () => {
    given(sessionDecider, [])
      .when((session) => createSession(session, birth))
      .then([created]);
  });

  it('ignored: when it is there, even deleted', () => {
    given(sessionDecider, [created, deleted])
      .when((session) => createSession(session, birth))
      .then([]);
  });
});

describe('forking a session', () => {
  const forked_from = { session_id: birth.session_id, sequence_number: 2 };
  const inherited = { preview: 'hello', output_preview: null, context: null };
  const fork = {
    session_id: '01900000-0000-7000-8000-000000000002',
    owner_principal_id: '01900000-0000-7000-8000-0000000000cc',
    ...{ forked_from, inherited },
  };
  const was = (...facts: SessionFact[]): SessionState =>
    facts.reduce<Session>(
      (session, fact) =>
        sessionDecider.evolve(session, fact, {
          ...{ id: 'e', stream: 's', revision: 0 },
          metadata: { $correlationId: 'c', $causationId: 'c', actor: 'a', project: 'p', at: 't' },
        }),
      undefined,
    ) as SessionState;

  it('sets it up as its source was, for the same user, without names and parents', () => {
    const child = { ...birth, parent_session_id: 'p', external_id: 'x', resolved_owner_user_id: 'u' };
    const subagent = { name: 'Ann', task: null, status: 'running' as const };
    const facts: SessionFact[] = [{ type: 'SessionCreated', data: { ...child, subagent } }, named];
    const archived: SessionFact = { type: 'SessionArchived', data: {} };
    const updated: SessionFact = { type: 'SessionUpdated', data: { model_id: 'm', max_iterations: 3 } };
    const { session_id: _id, owner_principal_id: _owner, ...same } = birth;
    expect(forkOf(was(...facts, updated, archived), fork)).toEqual({
      ...{ ...same, model_id: 'm', max_iterations: 3, resolved_owner_user_id: 'u' },
      ...fork,
    });
  });

  it('gives it what is its own: title and tags', () => {
    expect(forkOf(was(created), { ...fork, title: 'Mine', tags: [] })).toMatchObject({
      ...{ title: 'Mine', tags: [], metadata: birth.metadata },
    });
  });

  it('makes a session that knows where it comes from', () => {
    const { id, alias, revision, ...session } = was({
      type: 'SessionCreated',
      data: forkOf(was(created, named), fork),
    });
    expect([id, alias, revision]).toEqual([fork.session_id, null, 1]);
    expect(session).toMatchObject({ forked_from, title: 'First', user_id: birth.user_id });
    expect(session).not.toHaveProperty('inherited');
  });
});

describe('changing a session', () => {
  it('written: what differs, and nothing else', () => {
    given(sessionDecider, [created])
      .when((session) => changeSession(known(session), { title: 'Second', tags: ['a', 'b'], locale: 'de' }))
      .then([{ type: 'SessionUpdated', data: { title: 'Second', locale: 'de' } }]);
  });

  describe('that is a sub-agent', () => {
    const ann = { name: 'Ann', task: 'look', status: 'spawning' as const };
    const born: SessionFact = { type: 'SessionCreated', data: { ...birth, subagent: ann } };
    const updated = (subagent: typeof ann | object | null): SessionFact[] => [
      {
        type: 'SessionUpdated',
        data: { subagent } as Extract<SessionFact, { type: 'SessionUpdated' }>['data'],
      },
    ];

    it.each([
      ['its status alone', { status: 'running' as const }, { ...ann, status: 'running' }],
      ['another name', { name: 'Bea' }, { ...ann, name: 'Bea' }],
      ['no task', { task: null }, { ...ann, task: null }],
      ['that it is one no more', null, null],
    ])('written: %s', (_what, subagent, then) => {
      given(sessionDecider, [born])
        .when((session) => changeSession(known(session), { subagent }))
        .then(updated(then));
    });

    it('ignored: what it says already, in whatever order', () => {
      given(sessionDecider, [born])
        .when((session) =>
          changeSession(known(session), { subagent: { status: 'spawning', task: 'look', name: 'Ann' } }),
        )
        .then([]);
    });

    it('refused: one that has no name', () => {
      given(sessionDecider, [created])
        .when((session) => changeSession(known(session), { subagent: { status: 'running' } }))
        .thenRefused('validation_failed');
    });

    it('written: one that has a name now', () => {
      given(sessionDecider, [created])
        .when((session) => changeSession(known(session), { subagent: { name: 'Ann' } }))
        .then(updated({ name: 'Ann', task: null, status: 'spawning' }));
    });
  });

  it('written: metadata by key, null to remove one', () => {
    given(sessionDecider, [created])
      .when((session) => changeSession(known(session), { metadata: { team: null, round: 2 } }))
      .then([{ type: 'SessionUpdated', data: { metadata: { team: null, round: 2 } } }]);
  });

  it('ignored: what it says already', () => {
    given(sessionDecider, [created])
      .when((session) =>
        changeSession(known(session), { title: 'First', metadata: { team: 'red', x: null } }),
      )
      .then([]);
  });

  it('refused: of a deleted session', () => {
    given(sessionDecider, [created, deleted])
      .when((session) => changeSession(known(session), { title: 'Second' }))
      .thenRefused('session_deleted');
  });

  it('refused: another revision than expected', () => {
    given(sessionDecider, [created])
      .when((session) => changeSession(known(session), { title: 'Second' }, 2))
      .thenRefused('revision_mismatch');
  });

  it('expected revision: the right one is taken, and a claim is no change', () => {
    given(sessionDecider, [
      created,
      { type: 'SessionRunClaimed', data: { run: { run_id: 'r' }, active: ['r'] } },
    ])
      .when((session) => changeSession(known(session), { title: 'Second' }, 1))
      .then([{ type: 'SessionUpdated', data: { title: 'Second' } }]);
  });

  it('takes null for a list as none, and for a sub-agent as nothing said', () => {
    expect(settled({ tags: null, title: null, subagent: null })).toEqual({ tags: [], title: null });
  });
});

describe('naming a session', () => {
  it('written: a new alias, with the one before', () => {
    given(sessionDecider, [created, named])
      .when((session) => changeAlias(known(session), 'other'))
      .then([{ type: 'SessionAliasChanged', data: { alias: 'other', previous: 'main' } }]);
  });

  it('written: no alias any more', () => {
    given(sessionDecider, [created, named])
      .when((session) => changeAlias(known(session), null))
      .then([{ type: 'SessionAliasChanged', data: { alias: null, previous: 'main' } }]);
  });

  it('ignored: the alias that it bears', () => {
    given(sessionDecider, [created, named])
      .when((session) => changeAlias(known(session), 'main'))
      .then([]);
  });

  it('ignored: on a deleted session', () => {
    given(sessionDecider, [created, deleted])
      .when((session) => changeAlias(known(session), 'main'))
      .then([]);
  });
});

describe('deleting a session', () => {
  it('written: a tombstone with the names that it gives back', () => {
    const child: SessionBirth = {
      ...birth,
      parent_session_id: 'parent',
      subagent: { name: 'Ann', task: null, status: 'spawning' },
    };
    given(sessionDecider, [{ type: 'SessionCreated', data: child }, named])
      .when((session) => deleteSession(known(session)))
      .then([
        { type: 'SessionDeleted', data: { alias: 'main', subagent: { parent: 'parent', name: 'Ann' } } },
      ]);
  });

  it('refused: a second time', () => {
    given(sessionDecider, [created, deleted])
      .when((session) => deleteSession(known(session)))
      .thenRefused('session_deleted');
  });

  it('refused: another revision than expected', () => {
    given(sessionDecider, [created, named])
      .when((session) => deleteSession(known(session), 1))
      .thenRefused('revision_mismatch');
  });

  it('expected revision: the right one is taken', () => {
    given(sessionDecider, [created])
      .when((session) => deleteSession(known(session), 1))
      .then([deleted]);
  });
});

describe('holding a session', () => {
  const held: SessionFact = {
    type: 'SessionRunClaimed',
    data: { run: { run_id: 'one' }, active: ['one'] },
  };
  const run = (behind: readonly string[]): JsonObject & { run_id: string } => ({
    run_id: 'two',
    behind: [...behind],
  });
  const claim =
    (mode: ClaimMode, over: readonly string[] = []) =>
    (session: Session) =>
      claimSession(known(session), mode, new Set(over), 'two', run);
  const claimed = (behind: string[], active: string[]): SessionFact[] => [
    { type: 'SessionRunClaimed', data: { run: { run_id: 'two', behind }, active } },
  ];

  it.each(['reject', 'allow', 'enqueue', 'steer'] as const)('written: %s, when it is free', (mode) => {
    given(sessionDecider, [created])
      .when(claim(mode))
      .then(claimed([], ['two']));
  });

  it.each(['reject', 'steer'] as const)('refused: %s, when a run holds it', (mode) => {
    given(sessionDecider, [created, held]).when(claim(mode)).thenRefused('session_busy');
  });

  it('written: allow, beside the holder', () => {
    given(sessionDecider, [created, held])
      .when(claim('allow'))
      .then(claimed([], ['one', 'two']));
  });

  it('written: enqueue, behind all who hold it', () => {
    const both: SessionFact = {
      type: 'SessionRunClaimed',
      data: { run: { run_id: 'three', behind: ['one'] }, active: ['one', 'three'] },
    };
    given(sessionDecider, [created, held])
      .when(claim('enqueue'))
      .then(claimed(['one'], ['one', 'two']));
    given(sessionDecider, [created, held, both])
      .when(claim('enqueue'))
      .then(claimed(['one', 'three'], ['one', 'three', 'two']));
  });

  it('written: reject, once the holder is over', () => {
    given(sessionDecider, [created, held])
      .when(claim('reject', ['one']))
      .then(claimed([], ['two']));
  });

  it('ignored: when the run holds it already', () => {
    given(sessionDecider, [created, ...claimed([], ['two'])])
      .when(claim('reject'))
      .then([]);
  });

  it('refused: of a deleted session', () => {
    given(sessionDecider, [created, deleted]).when(claim('allow')).thenRefused('session_deleted');
  });
});

describe('archiving a session', () => {
  const archived: SessionFact = { type: 'SessionArchived', data: {} };
  const archive = (to: boolean, expected?: number) => (session: Session) =>
    archiveSession(session as SessionState, to, expected);

  it('written: there and back', () => {
    given(sessionDecider, [created]).when(archive(true)).then([archived]);
    given(sessionDecider, [created, archived])
      .when(archive(false))
      .then([{ type: 'SessionUnarchived', data: {} }]);
  });

  it('ignored: when it is so already', () => {
    given(sessionDecider, [created, archived]).when(archive(true)).then([]);
    given(sessionDecider, [created]).when(archive(false)).then([]);
  });

  it('refused: of a deleted session, and at another revision', () => {
    given(sessionDecider, [created, deleted]).when(archive(true)).thenRefused('session_deleted');
    given(sessionDecider, [created]).when(archive(true, 2)).thenRefused('revision_mismatch');
  });
});

describe('asking for a compaction', () => {
  const request = (session: Session) => requestCompaction(session as SessionState);

  it('written: as often as it is asked for', () => {
    const requested: SessionFact = { type: 'SessionCompactionRequested', data: { command: '/compact' } };
    given(sessionDecider, [created, requested]).when(request).then([requested]);
  });

  it('refused: of a deleted session', () => {
    given(sessionDecider, [created, deleted]).when(request).thenRefused('session_deleted');
  });
});

describe('pinning a session', () => {
  const pinned: PinFact = { type: 'SessionPinned', data: { session_id: 's', user_id: 'ann' } };
  const pinFor = (user: string, to: boolean) => (pins: Pins) => pin(pins, 's', user, to);

  it('written: for each user', () => {
    given(pinDecider, []).when(pinFor('ann', true)).then([pinned]);
    given(pinDecider, [pinned])
      .when(pinFor('bob', true))
      .then([{ type: 'SessionPinned', data: { session_id: 's', user_id: 'bob' } }]);
    given(pinDecider, [pinned])
      .when(pinFor('ann', false))
      .then([{ type: 'SessionUnpinned', data: { session_id: 's', user_id: 'ann' } }]);
  });

  it('ignored: when it is so already', () => {
    given(pinDecider, [pinned]).when(pinFor('ann', true)).then([]);
    given(pinDecider, [pinned]).when(pinFor('bob', false)).then([]);
  });
});
