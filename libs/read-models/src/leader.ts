import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';
import { NotBuiltYet } from '#eventsourcing';
import { Leadership } from './leadership.js';

const retryEvery = 500;

/**
 * Has a piece of work done by one process at a time among all that share the database: the one that holds
 * an advisory lock. When it dies, or loses its connection, another takes over.
 */
export class Leader {
  private readonly stopping = new AbortController();
  private readonly leadership: Leadership;
  private running: Promise<void> | undefined;

  /**
   * @param name of the work, the same in every process
   * @param failed is told what the work threw; it is begun again after half a second. That a read model is
   * not built yet is no failure: the work is begun again until it is.
   */
  constructor(
    private readonly url: string,
    private readonly name: string,
    private readonly failed: (error: unknown) => void,
  ) {
    this.leadership = new Leadership(url, 'sweeper', name);
  }

  /** @param work goes on until its signal is aborted, which says that this process leads no longer */
  start(work: (signal: AbortSignal) => Promise<void>): void {
    this.running ??= this.run(work);
  }

  /** Resolves when the work has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  private async run(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const client = new Client({ connectionString: this.url, application_name: `runledger ${this.name}` });
      const lost = new AbortController();
      client.on('error', () => {
        lost.abort();
      });
      let leads = true;
      try {
        await client.connect();
        leads = await this.leadership.taken(client);
        if (leads) await work(AbortSignal.any([signal, lost.signal]));
      } catch (error) {
        if (!(signal.aborted as boolean) && !(error instanceof NotBuiltYet)) this.failed(error);
      } finally {
        await client.end().catch(() => undefined);
      }
      await (leads
        ? pause(retryEvery, undefined, { signal }).catch(() => undefined)
        : this.leadership.vacant(signal));
    }
  }
}
