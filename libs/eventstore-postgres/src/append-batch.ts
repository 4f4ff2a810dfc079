import type { PoolClient } from 'pg';
import { type AppendResult, type ExpectedRevision, revisionAfter } from '#eventsourcing';
import { arrayOf, jsonArray } from '#postgres';
import { bulkOf } from './bulk.js';
import type { Encoded } from './recent-events.js';

export interface PendingAppend {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly encoded: readonly Encoded[];
  readonly bytes: number;
  /** Is committed by itself: joined with others, it was refused. */
  alone: boolean;
  resolve(result: AppendResult): void;
  reject(error: unknown): void;
}

/** What became of a batch. */
export interface StoredBatch {
  /** The last position before these appends. */
  readonly base: string;
  /** Of each group's last event; null where it was refused. */
  readonly revisions: (string | null)[];
  readonly positions: (string | null)[];
}

/** Appends to one stream that follow each other, so that the first one's expectation decides for all. */
export type Group = [PendingAppend, ...PendingAppend[]];

export type Batch = readonly Group[];

const maxEvents = 2_000;
const maxBytes = 8 * 1024 * 1024;
const statement =
  'SELECT base, revisions, positions FROM eventstore.append($1, $2, $3, $4, $5, $6, $7, $8, $9)';
const numbers = { any: -2, none: -1, exists: -4 } as const;
const number = (expected: ExpectedRevision): number =>
  typeof expected === 'number' ? expected : numbers[expected];

/**
 * Takes from the head of a queue, until the batch is full or an append must wait for the outcome of another.
 * @param busy streams of which appends have been sent
 */
export function batchOf(queue: readonly PendingAppend[], busy: ReadonlySet<string> = new Set()): Batch {
  const groups = new Map<string, { group: Group; next: number | undefined }>();
  let events = 0;
  let bytes = 0;
  for (const append of queue) {
    if (busy.has(append.stream)) break;
    const known = groups.get(append.stream);
    events += append.encoded.length;
    bytes += append.bytes;
    const full = append.alone || events > maxEvents || bytes > maxBytes;
    if (groups.size > 0 && full) break;
    if (known !== undefined && known.next !== append.expected) break;
    const next = revisionAfter(append.expected, append.encoded.length);
    if (known === undefined) groups.set(append.stream, { group: [append], next });
    else {
      known.group.push(append);
      known.next = next;
    }
    if (append.alone) break;
  }
  return Array.from(groups.values(), ({ group }) => group);
}

/** Stores a batch by one statement. */
export async function storeBatch(client: PoolClient, batch: Batch): Promise<StoredBatch> {
  const ofAppend: number[] = [];
  const place: number[] = [];
  const ids: string[] = [];
  const types: string[] = [];
  const metadata: string[] = [];
  const data: string[] = [];
  batch.forEach((group, g) => {
    let k = 0;
    for (const append of group) {
      for (const encoded of append.encoded) {
        ofAppend.push(g + 1);
        place.push(++k);
        ids.push(encoded.event.id);
        types.push(encoded.event.type);
        metadata.push(encoded.metadata);
        data.push(encoded.data);
      }
    }
  });
  const { rows } = await client.query<StoredBatch>({
    name: 'append',
    text: statement,
    values: [
      arrayOf(batch.map(([first]) => first.stream)),
      arrayOf(batch.map(([first]) => number(first.expected))),
      ...[ofAppend, place, ids, types].map(arrayOf),
      ...[metadata, data].map(jsonArray),
      arrayOf(bulkOf(data)),
    ],
  });
  return rows[0] as StoredBatch;
}
