import { expect, test } from '@jest/globals';
import { placed } from './legal-hold.decider.js';
import type { HoldSubject } from './legal-hold.events.js';
import { isHeldFor, isShared, type Sharer } from './sharers.js';

const gone: Sharer = { session_id: 's', user_id: 'u', live: false };
const holds = (subject: HoldSubject) =>
  new Map([['h', placed({ hold_id: 'h', project_id: 'p', subject, reason: 'case' }, 't', 'a')]]);

test.each([
  ['nobody', [], new Map(), false],
  ['a session that was deleted', [gone], new Map(), false],
  ['one that lives', [gone, { ...gone, live: true }], new Map(), true],
  ['a deleted one on which a hold stands', [gone], holds({ session_id: 's' }), true],
  ['a deleted one of a user on whom a hold stands', [gone], holds({ user_id: 'u' }), true],
  ['a deleted one, while a hold stands on another', [gone], holds({ session_id: 'x' }), false],
  ['one whose user nobody knows yet', [{ ...gone, user_id: null }], holds({ user_id: 'u' }), false],
])('content that %s shares stays: %#', (_name, sharers, standing, stays) => {
  expect(isShared(sharers, standing)).toBe(stays);
});

const content = { over: true, run_ids: [], session_id: 'own', user_ids: ['v'] };

test.each([
  ['no hold', [gone], new Map(), false],
  ['a hold on its own session', [], holds({ session_id: 'own' }), true],
  [
    'a hold on one of those that share it',
    [gone, { ...gone, session_id: 'x' }],
    holds({ session_id: 'x' }),
    true,
  ],
  ['a hold on somebody else', [gone], holds({ session_id: 'y' }), false],
])('content is held by %s: %#', (_name, sharers, standing, held) => {
  expect(isHeldFor({ ...content, sharers }, standing)).toBe(held);
});
