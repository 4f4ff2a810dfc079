import { describe, test } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import {
  claimSandbox,
  closeSandbox,
  loseSandbox,
  giveUpSandbox,
  refuseSandbox,
  requestClose,
  requestSandbox,
  sandboxDecider,
  sandboxOpened,
} from './sandbox.decider.js';
import type { SandboxBirth, SandboxFact } from './sandbox.events.js';

const birth: SandboxBirth = {
  sandbox_id: 's',
  project_id: 'default',
  user_id: 'u',
  run_id: 'r',
  task_id: 't',
  limits: { max_processes: 2 },
  allow_detached: false,
  best_effort: false,
};
const requested: SandboxFact = { type: 'SandboxRequested', data: birth };
const claimed: SandboxFact = { type: 'SandboxClaimed', data: { host_id: 'one', driver: 'local' } };
const details = { workdir: '/workspace', isolation: ['pid_namespace'], limits_enforced: [] };
const opened: SandboxFact = { type: 'SandboxOpened', data: details };
const closing = (grace_seconds: number): SandboxFact => ({
  type: 'SandboxCloseRequested',
  data: { reason: 'requested', grace_seconds },
});
const closed: SandboxFact = { type: 'SandboxClosed', data: { reason: 'requested' } };
const refusal = { code: 'limit_not_enforceable', detail: 'no cgroups' } as const;
const refused: SandboxFact = { type: 'SandboxRefused', data: refusal };

const sandbox = (...facts: SandboxFact[]) => given(sandboxDecider, facts);

describe('a request for a sandbox', () => {
  test('written once', () => {
    sandbox()
      .when((state) => requestSandbox(state, birth))
      .then([requested]);
  });
  test('ignored when it was written before', () => {
    sandbox(requested)
      .when((state) => requestSandbox(state, birth))
      .then([]);
  });
});

describe('a claim', () => {
  const claim = { host_id: 'one', driver: 'local' };
  test('written for the first host', () => {
    sandbox(requested)
      .when((state) => claimSandbox(state, claim))
      .then([claimed]);
  });
  test.each([
    ['another host was first', [requested, claimed]],
    ['nobody wants it any more', [requested, closing(5), closed]],
    ['it was given up', [requested, refused]],
    ['it is being closed', [requested, closing(5)]],
  ])('ignored when %s', (_when, facts) => {
    sandbox(...facts)
      .when((state) => claimSandbox(state, { ...claim, host_id: 'two' }))
      .then([]);
  });
});

describe('an opening', () => {
  test('written for the host that claimed it', () => {
    sandbox(requested, claimed)
      .when((state) => sandboxOpened(state, 'one', details))
      .then([opened]);
  });
  test('ignored from another host, or once others have declared it over', () => {
    sandbox(requested, claimed)
      .when((state) => sandboxOpened(state, 'two', details))
      .then([]);
    sandbox(requested, claimed, closed)
      .when((state) => sandboxOpened(state, 'one', details))
      .then([]);
  });
});

describe('a refusal', () => {
  test('written while it is not over', () => {
    sandbox(requested, claimed)
      .when((state) => refuseSandbox(state, refusal))
      .then([refused]);
  });
  test('of what nobody took, ignored once a host has taken it', () => {
    sandbox(requested)
      .when(giveUpSandbox)
      .then([{ type: 'SandboxRefused', data: { code: 'no_host', detail: 'no host has taken the sandbox' } }]);
    sandbox(requested, claimed).when(giveUpSandbox).then([]);
    sandbox().when(giveUpSandbox).then([]);
  });
});

describe('a close', () => {
  const ask = (grace_seconds: number) => ({ reason: 'run_cancelled', grace_seconds }) as const;
  test('asked for, is written', () => {
    sandbox(requested, claimed, opened)
      .when((state) => requestClose(state, ask(5)))
      .then([{ type: 'SandboxCloseRequested', data: ask(5) }]);
  });
  test('asked for again, ignored unless it shortens the grace, and the first reason stays', () => {
    sandbox(requested, claimed, opened, closing(5))
      .when((state) => requestClose(state, ask(5)))
      .then([]);
    sandbox(requested, claimed, opened, closing(5))
      .when((state) => requestClose(state, ask(1)))
      .then([closing(1)]);
  });
  test('ignored when it is over', () => {
    for (const end of [closed, refused]) {
      sandbox(requested, end)
        .when((state) => requestClose(state, ask(5)))
        .then([]);
      sandbox(requested, end)
        .when((state) => closeSandbox(state, 'host_lost'))
        .then([]);
    }
  });
  test('done, is written with the reason for which the host began it', () => {
    sandbox(requested, claimed, opened, closing(5))
      .when((state) => closeSandbox(state, 'sandbox_died'))
      .then([{ type: 'SandboxClosed', data: { reason: 'sandbox_died' } }]);
  });
  test('left undone by a host that is gone, is written with the reason it was asked for with, if it was', () => {
    sandbox(requested, claimed, opened, closing(5)).when(loseSandbox).then([closed]);
    sandbox(requested, claimed, opened)
      .when(loseSandbox)
      .then([{ type: 'SandboxClosed', data: { reason: 'host_lost' } }]);
  });
});
