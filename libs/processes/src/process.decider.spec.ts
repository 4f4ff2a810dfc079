import { describe, expect, test } from '@jest/globals';
import { given } from '../../eventsourcing/src/given-when-then.js';
import {
  endProcess,
  expectAlive,
  noOutput,
  processDecider,
  processStarted,
  type ProcessState,
  purgeOutput,
  requestProcess,
  requestTermination,
  storedBytes,
} from './process.decider.js';
import type { ProcessBirth, ProcessFact } from './process.events.js';

const birth: ProcessBirth = {
  process_id: 'p',
  project_id: 'default',
  user_id: 'u',
  sandbox_id: 's',
  run_id: 'r',
  task_id: 't',
  session_id: 'c',
  command: 'true',
  args: [],
  env_keys: ['TOKEN'],
  env_sealed: 'sealed',
  timeout_seconds: 3_600,
  detached: false,
  attach_output: true,
  output_limit_bytes: 0,
};
const of = { run_id: 'r', session_id: 'c' };
const requested: ProcessFact = { type: 'ProcessRequested', data: birth };
const started: ProcessFact = { type: 'ProcessStarted', data: { from: 'starting', ...of, pid: 7 } };
const term = { signal: 'SIGTERM', grace_seconds: 5 } as const;
const terminating: ProcessFact = { type: 'ProcessTerminationRequested', data: term };
const exit = { status: 'exited', exit_code: 0, output: noOutput } as const;
const lost = { status: 'lost', reason: 'host_lost', output: noOutput } as const;
const ended: ProcessFact = { type: 'ProcessEnded', data: { from: 'running', ...of, ...exit } };

const process = (...facts: ProcessFact[]) => given(processDecider, facts);
const terminate =
  (signal: 'SIGTERM' | 'SIGKILL', grace_seconds: number) => (state: ProcessState | undefined) =>
    requestTermination(state as ProcessState, { signal, grace_seconds });

describe('a request for a process', () => {
  test('written once', () => {
    process()
      .when((state) => requestProcess(state, birth))
      .then([requested]);
    process(requested)
      .when((state) => requestProcess(state, birth))
      .then([]);
  });
  test('leaves no sealed values in the state', () => {
    process(requested).when((state) => {
      expect(state).not.toHaveProperty('env_sealed');
      return [];
    });
  });
});

describe('a start', () => {
  test('written while it is starting', () => {
    process(requested)
      .when((state) => processStarted(state, 7))
      .then([started]);
  });
  test('ignored when it was declared over, or has started', () => {
    process(requested, ended)
      .when((state) => processStarted(state, 7))
      .then([]);
    process(requested, started)
      .when((state) => processStarted(state, 8))
      .then([]);
  });
});

describe('a termination', () => {
  test('written before and after the start', () => {
    process(requested).when(terminate('SIGTERM', 5)).then([terminating]);
    process(requested, started).when(terminate('SIGTERM', 5)).then([terminating]);
  });
  test('ignored when the same was asked for, with no more grace', () => {
    process(requested, started, terminating).when(terminate('SIGTERM', 5)).then([]);
    process(requested, started, terminating).when(terminate('SIGTERM', 9)).then([]);
  });
  test('written when it is another signal, or shortens the grace', () => {
    for (const [signal, grace_seconds] of [
      ['SIGKILL', 5],
      ['SIGTERM', 1],
    ] as const) {
      process(requested, started, terminating)
        .when(terminate(signal, grace_seconds))
        .then([{ type: 'ProcessTerminationRequested', data: { signal, grace_seconds } }]);
    }
  });
  test('ignored once it has ended', () => {
    process(requested, started, ended).when(terminate('SIGKILL', 0)).then([]);
  });
});

describe('an end', () => {
  test('written from whichever status it had', () => {
    process(requested, started)
      .when((state) => endProcess(state, exit))
      .then([ended]);
    process(requested)
      .when((state) => endProcess(state, lost))
      .then([{ type: 'ProcessEnded', data: { from: 'starting', ...of, ...lost } }]);
  });
  test('ignored when others have said how it ended', () => {
    process(requested, started, ended)
      .when((state) => endProcess(state, lost))
      .then([]);
    process()
      .when((state) => endProcess(state, lost))
      .then([]);
  });
  test('refuses all that needs it alive', () => {
    process(requested, started, ended)
      .when((state) => {
        expectAlive(state as ProcessState);
        return [];
      })
      .thenRefused('process_ended');
  });
});

describe('a purge of its output', () => {
  const bytes = { bytes: 1, sha256: 'x' };
  const cause = { operation_id: 'o', scope: 'default' };
  const purged = { stdout: bytes, stderr: bytes, cause };
  const gone: ProcessFact = { type: 'ProcessOutputPurged', data: purged };
  test('written once it has ended, and once', () => {
    process(requested, ended)
      .when((state) => purgeOutput(state, purged))
      .then([gone]);
    process(requested, ended, gone)
      .when((state) => purgeOutput(state, purged))
      .then([]);
  });
  test('ignored while it runs, and of none', () => {
    process(requested, started)
      .when((state) => purgeOutput(state, purged))
      .then([]);
    process()
      .when((state) => purgeOutput(state, purged))
      .then([]);
  });
  test('leaves all that it tells of itself but what is stored', () => {
    const output = { stdout: { bytes: 9, truncated: true }, stderr: { bytes: 2, truncated: false } };
    const requestedWithCap: ProcessFact = { ...requested, data: { ...birth, output_limit_bytes: 4 } };
    const loud: ProcessFact = { ...ended, data: { ...ended.data, output } };
    process(requestedWithCap, loud).when((state) => {
      expect(storedBytes(state as ProcessState)).toBe(6);
      return [];
    });
    process(requestedWithCap, loud, gone).when((state) => {
      expect(storedBytes(state as ProcessState)).toBe(0);
      expect(state).toMatchObject({ output, status: 'exited' });
      return [];
    });
  });
});
