import { Client } from 'pg';
import { NotBuiltYet } from '#eventsourcing';
import { Leadership } from './leadership.js';

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
    const { url, name } = this;
    this.running ??= this.leadership.lead(
      {
        client: () => new Client({ connectionString: url, application_name: `runledger ${name}` }),
        work: (_, leading) => work(leading),
        failed: (error) => {
          if (!(error instanceof NotBuiltYet)) this.failed(error);
        },
      },
      this.stopping.signal,
    );
  }

  /** Resolves when the work has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }
}
