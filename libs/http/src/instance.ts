import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';

/** First half of the advisory lock that a living server process holds; the second is its number. */
export const instanceLock = 0x524c;
const retryEvery = 500;

/**
 * The number of this server process. It is alive as long as the session of this connection holds
 * its advisory lock, so that others see its death at once, without any timeout.
 */
export class Instance {
  private client: Client | undefined;
  private closed = false;

  private constructor(
    private readonly url: string,
    readonly number: number,
  ) {}

  static async start(url: string): Promise<Instance> {
    const client = await connected(url);
    const { rows } = await client.query<{ number: string }>(
      "SELECT nextval('idempotency_instances') AS number",
    );
    const instance = new Instance(url, Number(rows[0]?.number));
    await instance.hold(client);
    return instance;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.client?.end();
  }

  private async hold(client: Client): Promise<void> {
    client.once('end', () => {
      if (this.client === client) void this.reconnect();
    });
    await client.query('SELECT pg_advisory_lock($1, $2)', [instanceLock, this.number]);
    this.client = client;
  }

  private async reconnect(): Promise<void> {
    this.client = undefined;
    for (;;) {
      if (this.stopped()) return;
      try {
        const client = await connected(this.url);
        await this.hold(client);
        if (this.stopped()) await client.end();
        return;
      } catch {
        await pause(retryEvery, undefined, { ref: false });
      }
    }
  }

  private stopped(): boolean {
    return this.closed;
  }
}

async function connected(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    application_name: 'runledger instance',
    keepAlive: true,
  });
  // A broken connection also ends; that is where it is dealt with.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}
