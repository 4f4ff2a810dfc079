import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { type LiveEvents, type RecordedEvent, Streams } from '#eventsourcing';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { HostedSandbox } from './hosted-sandbox.js';
import { insist } from './insist.js';
import { processDecider, requestProcess } from './process.decider.js';
import { type ProcessBirth, type ProcessRequested, processStream } from './process.events.js';
import type { ProcessKeys } from './process-keys.js';
import type { RunTeller } from './run-teller.js';
import { sandboxDecider } from './sandbox.decider.js';
import { type SandboxBirth, type SandboxFact, sandboxStream } from './sandbox.events.js';
import type { ProcessEnd, Sandbox, SandboxDriver, SandboxProcess } from './sandbox-driver.js';

const of = { project_id: 'default', user_id: 'u', sandbox_id: 's', run_id: 'r', task_id: 't' };
const box: SandboxBirth = { ...of, limits: { max_processes: 1 }, allow_detached: false, best_effort: false };
const onBehalf = { project: 'default', correlationId: 'c' };
const never = new Promise<never>(() => undefined);

const requested = (process_id: string): ProcessBirth => ({
  ...of,
  ...{ process_id, command: 'true', args: [], env_keys: [], timeout_seconds: 60, detached: false },
  ...{ attach_output: false, output_limit_bytes: 0 },
});

/** A process of a driver that does nothing but to end when it is told. */
class Idle implements SandboxProcess {
  readonly pid = 7;
  readonly stdin = new PassThrough();
  readonly stdout = new PassThrough();
  readonly stderr = new PassThrough();
  end: (how: ProcessEnd) => void = () => undefined;
  readonly ended = new Promise<ProcessEnd>((resolve) => {
    this.end = resolve;
  });

  exit(): void {
    this.stdout.end();
    this.stderr.end();
    this.end({ exit_code: 0 });
  }

  kill(): void {
    this.end({ signal: 'SIGKILL' });
  }
}

/** A sandbox with room for one process, on a host whose store takes its time over all but the record itself. */
class Host {
  readonly started: Idle[] = [];
  private readonly store = new MemoryEventStore();
  private readonly streams = new Streams(this.store);
  private hosted: HostedSandbox | undefined;

  async request(process_id: string): Promise<void> {
    const stream = processStream(process_id);
    await insist(onBehalf, (causation) =>
      this.streams.execute(processDecider, stream, causation, (process) =>
        requestProcess(process, requested(process_id)),
      ),
    );
    const event = this.store.events.at(-1) as RecordedEvent<ProcessRequested>;
    void (await this.sandbox()).start(event);
  }

  /** Resolves when the record says so. */
  async recorded(process_id: string, status: string): Promise<{ reason: string | null }> {
    for (;;) {
      const { state } = await this.streams.load(processDecider, processStream(process_id));
      if (state?.status === status) return state;
      if (state !== undefined && state.status !== 'starting' && state.status !== 'running')
        throw new Error(`${process_id} is ${state.status}: ${String(state.reason)}`);
      await new Promise(setImmediate);
    }
  }

  private async sandbox(): Promise<HostedSandbox> {
    if (this.hosted !== undefined) return this.hosted;
    const claimed: SandboxFact[] = [
      { type: 'SandboxRequested', data: box },
      { type: 'SandboxClaimed', data: { host_id: 'h', driver: 'local' } },
    ];
    await insist(onBehalf, (causation) =>
      this.streams.execute(sandboxDecider, sandboxStream('s'), causation, () => claimed),
    );
    const keys = { forget: () => never } as unknown as ProcessKeys;
    const teller = { started: () => Promise.resolve(), exited: () => never } as unknown as RunTeller;
    const tools = { streams: this.streams, store: this.store, live: {} as LiveEvents, keys, teller };
    const driver = { name: 'local', open: () => Promise.resolve(this.opened) } as unknown as SandboxDriver;
    return (this.hosted = new HostedSandbox(tools, 'h', driver, box, onBehalf, () => undefined));
  }

  private readonly opened: Sandbox = {
    ...{ workdir: '/work', isolation: [], limitsEnforced: [], over: never },
    close: () => Promise.resolve(),
    start: () => {
      const process = new Idle();
      this.started.push(process);
      return Promise.resolve(process);
    },
  };
}

test('whoever has seen the end of a process may start the next one, whatever the host still has to tell', async () => {
  const host = new Host();
  await host.request('first');
  await host.recorded('first', 'running');
  host.started[0]?.exit();
  await host.recorded('first', 'exited');
  await host.request('second');
  await host.recorded('second', 'running');
  host.started[1]?.exit();
  await host.recorded('second', 'exited');
});

test('a process that is still there takes its place', async () => {
  const host = new Host();
  await host.request('first');
  await host.recorded('first', 'running');
  await host.request('second');
  expect(await host.recorded('second', 'killed')).toMatchObject({ reason: 'max_processes' });
  host.started[0]?.exit();
  await host.recorded('first', 'exited');
});
