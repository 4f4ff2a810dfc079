import { setTimeout as pause } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import { byService, Streams } from '#eventsourcing';
import { Database, Leader, present } from '#read-models';
import { LostProcesses } from './lost-processes.js';
import { hostPatienceMs } from './process-host.js';
import { giveUpSandbox, loseSandbox, sandboxDecider } from './sandbox.decider.js';
import { sandboxStream } from './sandbox.events.js';
import { type OpenSandbox, openSandboxes } from './sandbox-rows.js';

const lookEvery = 500;
/** How long a host must be absent: by then it has ended all it ran, should it be alive. */
const absentMs = 2 * hostPatienceMs;
/** How long nobody may take a request whose client has gone. */
const untakenMs = 60_000;

/**
 * Closes the sandboxes of hosts that have died, and records their processes as lost. The read model says
 * where to look; what is over is decided on the streams.
 */
@Injectable()
export class HostSweeper {
  private readonly logger = new Logger('HostSweeper');
  private readonly leader: Leader;
  /** Since when hosts have been absent, in milliseconds since 1970. */
  private absent = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly lost: LostProcesses,
  ) {
    this.leader = new Leader(database.url, 'host_sweeper', (error) => {
      this.logger.error(`sandboxes of dead hosts could not be swept: ${String(error)}; trying again`);
    });
  }

  /** Sweeps from now on, in one process at a time. */
  start(): void {
    this.leader.start(async (signal) => {
      this.absent = new Map();
      while (!signal.aborted) {
        await this.round();
        await pause(lookEvery, undefined, { signal }).catch(() => undefined);
      }
    });
  }

  async stop(): Promise<void> {
    await this.leader.stop();
  }

  private async round(): Promise<void> {
    const now = Date.now();
    const open = await openSandboxes(this.database);
    const hosts = new Set(open.flatMap(({ host_id }) => host_id ?? []));
    const alive = hosts.size === 0 ? hosts : await present(this.database, [...hosts]);
    this.absent = new Map(
      [...hosts].filter((id) => !alive.has(id)).map((id) => [id, this.absent.get(id) ?? now]),
    );
    for (const sandbox of open) {
      const { host_id, created_at } = sandbox;
      if (host_id === null && now - created_at.getTime() > untakenMs) await this.giveUp(sandbox);
      const since = host_id === null ? undefined : this.absent.get(host_id);
      if (since !== undefined && now - since >= absentMs) await this.close(sandbox);
    }
  }

  private async giveUp({ id, project_id }: OpenSandbox): Promise<void> {
    await this.streams.execute(sandboxDecider, sandboxStream(id), byService(project_id), giveUpSandbox);
  }

  private async close({ id, project_id }: OpenSandbox): Promise<void> {
    await this.lost.ofSandbox(id, 0n, () => byService(project_id));
    await this.streams.execute(sandboxDecider, sandboxStream(id), byService(project_id), loseSandbox);
  }
}
