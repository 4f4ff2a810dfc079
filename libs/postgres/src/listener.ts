import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';

const retryMs = 1_000;

/** Hears the notifications of one channel, on a connection of its own that is made again when it is lost. */
export class Listener {
  private readonly closing = new AbortController();
  private readonly running: Promise<void>;

  /** @param heard called with what each notification says, and with nothing when one may have been missed */
  constructor(
    private readonly url: string,
    private readonly channel: string,
    private readonly heard: (payload?: string) => void,
  ) {
    this.running = this.run();
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      await this.listen(signal).catch(() => undefined);
      await setTimeout(retryMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves when the connection is lost or no longer wanted. */
  private async listen(signal: AbortSignal): Promise<void> {
    const client = new Client({
      connectionString: this.url,
      application_name: `runledger listener ${this.channel}`,
    });
    const ended = new AbortController();
    const over = new Promise<void>((resolve) => {
      const end = (): void => {
        resolve();
      };
      client.on('error', end);
      client.on('end', end);
      signal.addEventListener('abort', end, { signal: ended.signal });
    });
    client.on('notification', ({ payload }) => {
      this.heard(payload);
    });
    try {
      await client.connect();
      await client.query(`LISTEN ${this.channel}`);
      this.heard();
      await over;
    } finally {
      ended.abort();
      await client.end().catch(() => undefined);
    }
  }
}
