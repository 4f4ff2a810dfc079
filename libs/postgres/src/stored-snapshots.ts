import type { Pool } from 'pg';
import { type Snapshot, Snapshots } from '#eventsourcing';
import { arrayOf, textArray } from './arrays.js';

/** So many streams wait at most for theirs to be kept; of further ones none is, this time. */
const mostWaiting = 1_000;
/** Characters that one statement brings, at least one snapshot. */
const atOnce = 1024 * 1024;

/** The table of the snapshots; nothing is lost with it. */
export const snapshotTable = `
  CREATE TABLE runledger.snapshots (
    stream text PRIMARY KEY,
    version int NOT NULL,
    revision bigint NOT NULL,
    event_id uuid NOT NULL,
    state text NOT NULL
  )`;

interface Row {
  readonly revision: string;
  readonly event_id: string;
  readonly state: string;
}

/** Snapshots in a database, written one statement after the other beside the commands. */
export class StoredSnapshots extends Snapshots {
  private readonly waiting = new Map<string, () => Snapshot>();
  private writing: Promise<void> | undefined;

  constructor(private readonly pool: Pick<Pool, 'query'>) {
    super();
  }

  override async load(stream: string, version: number): Promise<Snapshot | undefined> {
    try {
      const { rows } = await this.pool.query<Row>({
        name: 'snapshot',
        text: 'SELECT revision, event_id, state FROM runledger.snapshots WHERE stream = $1 AND version = $2',
        values: [stream, version],
      });
      const [row] = rows;
      if (row === undefined) return undefined;
      const { revision, event_id: eventId, state } = row;
      return { version, revision: Number(revision), eventId, state: JSON.parse(state) as unknown };
    } catch {
      return undefined;
    }
  }

  override keep(stream: string, take: () => Snapshot): void {
    if (this.waiting.size >= mostWaiting && !this.waiting.has(stream)) return;
    this.waiting.set(stream, take);
    this.writing ??= this.write().finally(() => {
      this.writing = undefined;
    });
  }

  /** Waits for what is being written; what waits behind it is left. */
  async close(): Promise<void> {
    this.waiting.clear();
    await this.writing;
  }

  private async write(): Promise<void> {
    while (this.waiting.size > 0) {
      // Whoever has to be answered comes first.
      await new Promise(setImmediate);
      await this.store(this.taken()).catch(() => undefined);
    }
  }

  private taken(): (Omit<Snapshot, 'state'> & { stream: string; text: string })[] {
    const taken = [];
    let length = 0;
    for (const [stream, take] of this.waiting) {
      if (length >= atOnce) break;
      this.waiting.delete(stream);
      const { state, ...snapshot } = take();
      const text = JSON.stringify(state);
      length += text.length;
      taken.push({ ...snapshot, stream, text });
    }
    return taken;
  }

  private async store(taken: ReturnType<StoredSnapshots['taken']>): Promise<void> {
    await this.pool.query({
      name: 'keep-snapshots',
      text: `INSERT INTO runledger.snapshots (stream, version, revision, event_id, state)
             SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[], $4::uuid[], $5::text[])
             ON CONFLICT (stream) DO UPDATE SET version = excluded.version, revision = excluded.revision,
               event_id = excluded.event_id, state = excluded.state`,
      values: [
        arrayOf(taken.map(({ stream }) => stream)),
        arrayOf(taken.map(({ version }) => version)),
        arrayOf(taken.map(({ revision }) => revision)),
        arrayOf(taken.map(({ eventId }) => eventId)),
        textArray(taken.map(({ text }) => text)),
      ],
    });
  }
}
