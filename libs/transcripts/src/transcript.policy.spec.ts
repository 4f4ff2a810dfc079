import { describe, expect, test } from '@jest/globals';
import {
  type AppendResult,
  Causation,
  type Fact,
  fold,
  type Principal,
  type RecordedEvent,
  Streams,
} from '#eventsourcing';
import type { RunFact } from '#runs';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { RunSnapshot } from './run-snapshot.js';
import { sealingWith, unsealingWith } from './sealing.js';
import { appendSegments, appendSnapshot, redact } from './transcript-changes.decider.js';
import { transcriptDecider } from './transcript.decider.js';
import type { SegmentsAppended } from './transcript.events.js';
import { TranscriptPolicy } from './transcript.policy.js';
import { keysOf } from './transcript-seeds.decider.js';
import { TranscriptSeeds } from './transcript-seeds.js';

/** Remembers where streams would have been truncated. */
class TruncatedStore extends MemoryEventStore {
  readonly truncated: (readonly [stream: string, revision: number])[] = [];
  /** Called once, right before the next append to a transcript. */
  before: (() => Promise<void>) | undefined;

  override async append(...args: Parameters<MemoryEventStore['append']>): Promise<AppendResult> {
    const { before } = this;
    if (before !== undefined && args[0].startsWith('transcript-')) {
      this.before = undefined;
      await before();
    }
    return super.append(...args);
  }

  override truncateBefore(stream?: string, revision?: number): Promise<void> {
    this.truncated.push([String(stream), Number(revision)]);
    return Promise.resolve();
  }
}

const [run, session] = ['01990000-0000-7000-8000-000000000003', '01990000-0000-7000-8000-000000000001'];
const ann: Principal = { principalId: run, projectId: 'default', userId: run, role: 'user' };
const by = (): Causation => new Causation(ann);
const sql = { query: () => Promise.resolve([]) };

/** What one process has of the room. */
function process(store: TruncatedStore) {
  const streams = new Streams(store);
  const seeds = new TranscriptSeeds(streams, store);
  return { streams, seeds, policy: new TranscriptPolicy(new RunSnapshot(streams, seeds), seeds) };
}

const ofStream = (store: TruncatedStore, stream: string): RecordedEvent[] =>
  store.events.filter((event) => event.stream === stream);

describe('a redaction whose process died', () => {
  test('is done by the policy, as often as it likes', async () => {
    const store = new TruncatedStore();
    const { streams, seeds, policy } = process(store);
    const stream = `transcript-${session}`;
    const seal = sealingWith(await seeds.ensured(session, 'default'));
    const segment = { kind: 'message' as const, json: '"secret"' };
    await streams.execute(transcriptDecider, stream, by(), (state) =>
      appendSegments(state, [segment, segment], seal),
    );
    await streams.execute(transcriptDecider, stream, by(), (state) => redact(state, 1, 'private'));
    for (let times = 0; times < 2; times++) await policy.apply(sql, ofStream(store, stream));
    const keyOf = keysOf(await seeds.of(session));
    expect([keyOf(1), keyOf(2)]).toEqual([undefined, expect.any(Buffer)]);
    expect(ofStream(store, `transcriptSeeds-${session}`)).toHaveLength(2);
    expect(store.truncated).toEqual(Array.from({ length: 2 }, () => [`transcriptSeeds-${session}`, 1]));
  });
});

describe('a completed run', () => {
  const said = (n: number): RunFact => ({
    type: 'RunEventRecorded',
    data: {
      type: n % 10 === 0 ? 'user' : 'message.output.delta',
      data: { text: `${n} ${'ä'.repeat(5_000)}` },
    },
  });

  /** A store with a run of so many events, its end last. */
  async function told(count: number): Promise<TruncatedStore> {
    const store = new TruncatedStore();
    const facts: Fact[] = Array.from({ length: count }, (_, n) => said(n + 1));
    facts.push({ type: 'RunCompleted', data: { from: 'running' } });
    const causation = by();
    const stream = `run-${run}`;
    const metadata = {
      $correlationId: causation.id,
      $causationId: causation.id,
      actor: run,
      project: 'default',
      at: causation.at,
    };
    await store.append(
      stream,
      'none',
      facts.map((fact, n) => ({ ...fact, id: causation.eventId(stream, n), metadata })),
    );
    return store;
  }

  /** What stands in its transcript. */
  async function contents(store: TruncatedStore): Promise<unknown[]> {
    const seeds = await process(store).seeds.of(run);
    return ofStream(store, `transcript-${run}`).flatMap((event) => {
      const { first_seq, segments } = (event as RecordedEvent<SegmentsAppended>).data;
      return segments.map(({ sealed }, n) => unsealingWith(seeds)(first_seq + n, sealed));
    });
  }
  const wanted = (count: number) =>
    Array.from({ length: count / 10 }, (_, n) => `${(n + 1) * 10} ${'ä'.repeat(5_000)}`);

  test('is taken once, whatever it is reacted to, in events that a store takes', async () => {
    const store = await told(3_000);
    for (let times = 0; times < 2; times++) await process(store).policy.apply(sql, store.events.slice());
    expect(await contents(store)).toEqual(wanted(3_000));
    const events = ofStream(store, `transcript-${run}`);
    for (const { data } of events) expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(900_000);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
    expect(fold(transcriptDecider, events).snapshots.get(run)).toBe(3_000);
  });

  test('is taken once by processes that do it at the same time', async () => {
    const store = await told(1_000);
    const events = store.events.slice();
    await Promise.all(Array.from({ length: 4 }, () => process(store).policy.apply(sql, events)));
    expect(await contents(store)).toEqual(wanted(1_000));
  });

  test('is taken whole when another process writes a part of another length in between', async () => {
    const store = await told(1_000);
    store.before = async () => {
      const { streams, seeds } = process(store);
      const seal = sealingWith(await seeds.ensured(run, 'default'));
      const part = { run_id: run, after: 0, through: 10 };
      const segment = { kind: 'message' as const, json: JSON.stringify(wanted(10)[0]) };
      await streams.execute(transcriptDecider, `transcript-${run}`, by(), (state) =>
        appendSnapshot(state, part, [segment], seal),
      );
    };
    await process(store).policy.apply(sql, store.events.slice());
    expect(await contents(store)).toEqual(wanted(1_000));
  });

  test('is taken on from where another process has died', async () => {
    const store = await told(3_000);
    const events = store.events.slice();
    await process(store).policy.apply(sql, events);
    const stream = `transcript-${run}`;
    const second = store.events.findIndex((event) => event.stream === stream && event.revision === 1);
    store.events.splice(second);
    expect(await contents(store)).not.toEqual(wanted(3_000));
    await process(store).policy.apply(sql, events);
    expect(await contents(store)).toEqual(wanted(3_000));
  });
});
