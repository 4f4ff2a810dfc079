import { Injectable } from '@nestjs/common';
import { byService, type Causation, RuleViolation, Streams } from '#eventsourcing';
import { claimRunSandbox, runSandboxDecider } from './run-sandbox.decider.js';
import { runSandboxStream } from './run-sandbox.events.js';
import {
  giveUpSandbox,
  isGone,
  requestSandbox,
  sandboxDecider,
  type SandboxState,
} from './sandbox.decider.js';
import { type SandboxBirth, sandboxStream } from './sandbox.events.js';
import { StateWatch } from './state-watch.js';

/** How long a request waits for a host to take it, and for that host to open the sandbox, in milliseconds. */
const claimPatience = 5_000;
const openPatience = 50_000;

export interface HeldSandbox {
  readonly sandbox: SandboxState;
  /** Position of what was written for it just now; undefined when it was there before. */
  readonly position: bigint | undefined;
}

/** The sandbox of a run: at most one at a time that is not over. */
@Injectable()
export class RunSandboxes {
  constructor(
    private readonly streams: Streams,
    private readonly watch: StateWatch,
  ) {}

  /** The newest sandbox of a run, whatever became of it. @throws StoreUnavailable */
  async newest(runId: string): Promise<SandboxState | undefined> {
    const { state: held } = await this.streams.load(runSandboxDecider, runSandboxStream(runId));
    if (held === undefined) return undefined;
    return (await this.streams.load(sandboxDecider, sandboxStream(held.sandbox_id))).state;
  }

  /**
   * The run's sandbox, perhaps not yet open: the one that is there, or the one that is asked for here.
   * @throws StoreUnavailable
   */
  async ensured(birth: SandboxBirth, causation: Causation): Promise<HeldSandbox> {
    const stream = runSandboxStream(birth.run_id);
    for (;;) {
      const { state: held } = await this.streams.load(runSandboxDecider, stream);
      // Whoever claimed it may have died before asking for it.
      const known = held && (await this.request(held, causation));
      if (known !== undefined && (!isGone(known.sandbox) || known.sandbox.sandbox_id === birth.sandbox_id))
        return known;
      await this.streams.execute(runSandboxDecider, stream, causation, (now) =>
        claimRunSandbox(now, birth, held?.sandbox_id),
      );
    }
  }

  /**
   * The sandbox once it is open.
   * @throws RuleViolation no_host, limit_not_enforceable, sandbox_unavailable, sandbox_closed; StoreUnavailable
   */
  async opened({ sandbox_id: id, project_id }: SandboxState, gone: AbortSignal): Promise<SandboxState> {
    const stream = sandboxStream(id);
    const wait = (status: 'requested' | 'claimed', patience: number) =>
      this.watch.until(sandboxDecider, stream, (now) => now?.status !== status, patience, gone);
    let state = await wait('requested', claimPatience);
    if (state?.status === 'requested') {
      ({ state } = await this.streams.execute(sandboxDecider, stream, byService(project_id), giveUpSandbox));
    }
    if (state?.status === 'claimed') state = await wait('claimed', openPatience);
    if (state?.status === 'open') return state;
    const { code = 'no_host', detail = 'no host has opened the sandbox in time' } = state?.refused ?? {};
    if (state?.status === 'closing' || state?.status === 'closed')
      throw new RuleViolation('sandbox_closed', 'the sandbox is being closed');
    throw new RuleViolation(code === 'failed' ? 'sandbox_unavailable' : code, detail);
  }

  private async request(birth: SandboxBirth, causation: Causation): Promise<HeldSandbox> {
    const { state, position } = await this.streams.execute(
      sandboxDecider,
      sandboxStream(birth.sandbox_id),
      causation,
      (sandbox) => requestSandbox(sandbox, birth),
    );
    return { sandbox: state as SandboxState, position };
  }
}
