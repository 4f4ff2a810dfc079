import { Injectable } from '@nestjs/common';
import { eventContent, EventStore, type Principal, type RecordedEvent } from '#eventsourcing';
import { type Checkpoint, eventHead, eventLine, inclusionPath, receiptFormat } from '#evidence';
import { ProblemError } from '#http';
import { Database } from '#read-models';
import type { ReceiptResource } from './audit.resource.js';
import { shownIn } from './shown.js';
import { type PlacedLeaf, readLeaves, treeAt } from './tree-rows.js';
import { Witness } from './witness.js';

/** Makes receipts of single events, which can be checked without a server. */
@Injectable()
export class Receipts {
  constructor(
    private readonly database: Database,
    private readonly store: EventStore,
    private readonly witness: Witness,
  ) {}

  /**
   * The receipt of the event at a position; signed now, if it is not under a signed root yet.
   * @throws ProblemError not_found when the project has no such event, or retention has removed it; StoreUnavailable
   */
  async of({ projectId }: Principal, at: number): Promise<ReceiptResource> {
    const position = BigInt(at);
    const event = await this.eventAt(position);
    if (event === undefined || !shownIn(projectId)(event)) throw noSuchEvent();
    let checkpoint = await this.checkpointOver(position);
    if (checkpoint === undefined) {
      await this.witness.seal();
      checkpoint = await this.checkpointOver(position);
    }
    if (checkpoint === undefined) throw noSuchEvent();
    const first = await this.sizeBefore(position);
    const leaves: PlacedLeaf[] = [];
    for await (const leaf of readLeaves(this.database, first, checkpoint.size)) leaves.push(leaf);
    const own = leaves.find((leaf) => leaf.position === position);
    if (own === undefined) throw noSuchEvent();
    const { peaks } = await treeAt(this.database, first);
    const part = { first, peaks, leaves: leaves.map(({ hash }) => hash) };
    const { key_id } = checkpoint;
    const key = (await this.witness.keys()).find(({ id }) => id === key_id);
    return {
      format: receiptFormat,
      line: eventLine(eventHead(own.n, event), eventContent(event), own.hash).trimEnd(),
      path: inclusionPath(part, own.n).map((hash) => hash.toString('hex')),
      checkpoint,
      public_key: key?.public_key ?? '',
    };
  }

  private async eventAt(position: bigint): Promise<RecordedEvent | undefined> {
    for await (const event of this.store.readAll({ after: position - 1n, limit: 1 })) {
      return event.position === position ? event : undefined;
    }
    return undefined;
  }

  /** The first that covers the event. */
  private async checkpointOver(position: bigint): Promise<Checkpoint | undefined> {
    const [row] = await this.database.query<{ line: string }>(
      'SELECT line FROM audit.checkpoints WHERE position >= $1 ORDER BY size LIMIT 1',
      [position.toString()],
    );
    return row && (JSON.parse(row.line) as Checkpoint);
  }

  /** Of the last checkpoint that does not cover it: not many leaves stand between. */
  private async sizeBefore(position: bigint): Promise<number> {
    const [row] = await this.database.query<{ size: string }>(
      'SELECT size FROM audit.checkpoints WHERE position < $1 ORDER BY size DESC LIMIT 1',
      [position.toString()],
    );
    return Number(row?.size ?? 0);
  }
}

const noSuchEvent = () => new ProblemError('not_found', 'There is no event at this position.');
