import { Client } from 'pg';
import type { Database } from './database.js';

export const clockChannel = 'projections';
const lookEvery = 100;

interface Waiter {
  readonly projection: string;
  readonly position: bigint;
  resolve(): void;
}

/** Knows how far each serving projection has come, and waits until one has come far enough. */
export class ReadModelClock {
  private readonly known = new Map<string, bigint>();
  private readonly waiting = new Set<Waiter>();
  private listener: Client | undefined;
  private closed = false;

  constructor(private readonly database: Database) {}

  /** A projection has come to this position: said by the projector of this process, or by a notification. */
  moved(projection: string, position: bigint): void {
    this.known.set(projection, position);
    for (const waiter of [...this.waiting]) {
      if (waiter.projection === projection && position >= waiter.position) waiter.resolve();
    }
  }

  /**
   * The database was lost, and what it had not yet put on its disk is lost with it: projections may be
   * behind where they have been, until they have folded the same events again.
   */
  forget(): void {
    this.known.clear();
  }

  /**
   * Whether the projection has seen everything up to the position, waiting for it as long as allowed, time in which
   * this process itself stood still not counted.
   */
  async reached(projection: string, position: bigint, timeoutMs: number): Promise<boolean> {
    if (this.seen(projection, position)) return true;
    if (this.listener === undefined) void this.listen();
    for (let left = timeoutMs; left > 0 && !this.closed;) {
      const wait = Math.min(left, lookEvery);
      await this.moves(projection, position, wait);
      if (this.seen(projection, position)) return true;
      const asked = Date.now();
      await this.look(projection);
      if (this.seen(projection, position)) return true;
      left -= wait + Date.now() - asked;
    }
    return false;
  }

  /** Up to where the serving projection has seen everything; undefined when there is none yet. */
  async position(projection: string): Promise<bigint | undefined> {
    await this.look(projection);
    return this.known.get(projection);
  }

  async close(): Promise<void> {
    this.closed = true;
    for (const waiter of [...this.waiting]) waiter.resolve();
    await this.listener?.end().catch(() => undefined);
  }

  private seen(projection: string, position: bigint): boolean {
    return (this.known.get(projection) ?? -1n) >= position;
  }

  private moves(projection: string, position: bigint, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const waiter = {
        projection,
        position,
        resolve: () => {
          clearTimeout(timer);
          this.waiting.delete(waiter);
          resolve();
        },
      };
      const timer = setTimeout(waiter.resolve, timeoutMs);
      this.waiting.add(waiter);
    });
  }

  private async look(projection: string): Promise<void> {
    const [row] = await this.database.prepared<{ position: string }>(
      'clock',
      `SELECT position FROM runledger.projections WHERE name = $1 AND build = 'serving'`,
      [projection],
    );
    if (row !== undefined) this.moved(projection, BigInt(row.position));
  }

  private async listen(): Promise<void> {
    const listener = new Client({ connectionString: this.database.url, application_name: 'runledger clock' });
    this.listener = listener;
    const lost = (): void => {
      this.forget();
      if (this.listener === listener) this.listener = undefined;
    };
    listener.on('error', lost);
    listener.on('end', lost);
    listener.on('notification', ({ payload = '' }) => {
      for (const moved of payload.split(',')) {
        const [projection = '', position = '0'] = moved.split(' ');
        this.moved(projection, BigInt(position));
      }
    });
    try {
      await listener.connect();
      await listener.query(`LISTEN ${clockChannel}`);
    } catch {
      lost();
    }
  }
}
