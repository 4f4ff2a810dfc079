import { test } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import { claimRunSandbox, runSandboxDecider } from './run-sandbox.decider.js';
import type { RunSandboxClaimed } from './run-sandbox.events.js';
import type { SandboxBirth } from './sandbox.events.js';

const birth = (sandbox_id: string): SandboxBirth => ({
  sandbox_id,
  project_id: 'default',
  user_id: 'u',
  run_id: 'r',
  task_id: 't',
  limits: { max_processes: 64 },
  allow_detached: false,
  best_effort: false,
});
const claimed = (id: string): RunSandboxClaimed => ({
  type: 'RunSandboxClaimed',
  data: { sandbox: birth(id) },
});

test('a run is claimed for its first sandbox: written', () => {
  given(runSandboxDecider, [])
    .when((held) => claimRunSandbox(held, birth('one'), undefined))
    .then([claimed('one')]);
});

test('a run is claimed for another sandbox once the one before was seen to be over: written', () => {
  given(runSandboxDecider, [claimed('one')])
    .when((held) => claimRunSandbox(held, birth('two'), 'one'))
    .then([claimed('two')]);
});

test('a run is claimed while another was quicker: ignored', () => {
  given(runSandboxDecider, [claimed('one')])
    .when((held) => claimRunSandbox(held, birth('two'), undefined))
    .then([]);
  given(runSandboxDecider, [claimed('one'), claimed('two')])
    .when((held) => claimRunSandbox(held, birth('three'), 'one'))
    .then([]);
});
