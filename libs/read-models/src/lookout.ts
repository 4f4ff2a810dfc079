import { setTimeout as pause } from 'node:timers/promises';
import { Client } from 'pg';

const lookEvery = 500;

interface Waiting {
  readonly kind: number;
  readonly name: string;
  readonly over: () => void;
}

/** Looks after the advisory locks that others have, by one connection for all who wait for one in this process. */
export class Lookout {
  private static readonly ofUrl = new Map<string, Lookout>();
  private readonly waiting = new Set<Waiting>();
  private resting: AbortController | undefined;

  private constructor(private readonly url: string) {}

  static over(url: string): Lookout {
    const lookout = Lookout.ofUrl.get(url) ?? new Lookout(url);
    Lookout.ofUrl.set(url, lookout);
    return lookout;
  }

  /**
   * Resolves when nobody seems to have a lock any more (half a second later at most), when that could not be
   * seen, or when the signal says so.
   * @param kind first half of the lock
   * @param name what the second half is the hash of
   */
  vacant(kind: number, name: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const over = (): void => {
        signal.removeEventListener('abort', over);
        this.waiting.delete(one);
        if (this.waiting.size === 0) this.resting?.abort();
        resolve();
      };
      const one = { kind, name, over };
      signal.addEventListener('abort', over, { once: true });
      this.waiting.add(one);
      if (this.resting === undefined) void this.look();
    });
  }

  /** Until nobody waits, or the connection is lost: then all who wait are to see for themselves. */
  private async look(): Promise<void> {
    const resting = (this.resting = new AbortController());
    const client = new Client({ connectionString: this.url, application_name: 'runledger lookout' });
    client.on('error', () => undefined); // told by its statements
    const rest = (): Promise<unknown> =>
      pause(lookEvery, undefined, { signal: resting.signal }).catch(() => undefined);
    try {
      await client.connect();
      for (await rest(); !resting.signal.aborted; await rest()) {
        for (const one of await this.free(client)) one.over();
      }
    } catch {
      await rest();
    } finally {
      this.resting = undefined;
      for (const one of this.waiting) one.over();
      await client.end().catch(() => undefined);
    }
  }

  private async free(client: Client): Promise<Waiting[]> {
    const asked = [...this.waiting];
    const { rows } = await client.query<{ n: number }>(
      `SELECT asked.n::int - 1 AS n
       FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS asked(kind, name, n)
       LEFT JOIN pg_locks ON locktype = 'advisory' AND objsubid = 2 AND granted AND classid::bigint = asked.kind
         AND objid::bigint = hashtext(asked.name)::bigint & 4294967295
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       WHERE pid IS NULL`,
      [asked.map(({ kind }) => kind), asked.map(({ name }) => name)],
    );
    return rows.flatMap(({ n }) => asked[n] ?? []);
  }
}
