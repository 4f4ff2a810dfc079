import { setTimeout as pause } from 'node:timers/promises';
import {
  Causation,
  type EventStore,
  type NewEvent,
  RevisionConflict,
  servicePrincipal,
  StoreUnavailable,
  uuidv7,
} from '#eventsourcing';
import { GatheredOutput, pieceBytes } from './gathered-output.js';
import type { OnBehalf } from './insist.js';
import { contentOf } from './output-content.js';
import type { OutputStream } from './process.events.js';
import { outputStreamOf, type ProcessOutputWritten } from './process-output.events.js';

/**
 * How much may wait to be stored: two commits of it are on their way, while the next one is gathered. With more the
 * commits are so large that the next one takes the place of the last in memory before followers have had it.
 */
const mostWaiting = 3 * 1024 * 1024;
const retryMs = 200;

interface Piece {
  readonly expected: number;
  readonly event: NewEvent<ProcessOutputWritten>;
}

type Attempt = Promise<PromiseSettledResult<unknown>[]>;

/**
 * Stores the output of one process in its order. When a lot waits to be stored, whoever writes waits, and so does,
 * in the end, the process. A store that cannot be reached is tried until it can.
 */
export class OutputAppender {
  private readonly stream: string;
  private readonly causation: Causation;
  private readonly kept = { stdout: 0, stderr: 0 };
  private count = 0;
  private readonly gathered = new GatheredOutput();
  /** Bytes that are gathered, and those that were handed to the store. */
  private waiting = 0;
  private flushing: Promise<void> | undefined;
  /** What was handed to the store, oldest first; each resolves when it is stored, or nothing more will be. */
  private readonly underWay: Promise<void>[] = [];
  /** How often something was stored that had failed before. */
  private recoveries = 0;
  private failure: Error | undefined;

  constructor(
    private readonly store: EventStore,
    processId: string,
    { project, correlationId }: OnBehalf,
  ) {
    this.stream = outputStreamOf(processId);
    this.causation = new Causation(servicePrincipal(project), { correlationId });
  }

  /** Resolves when there is room for more. @throws what the store refused the output with */
  async append(stream: OutputStream, bytes: Buffer): Promise<void> {
    if (bytes.length === 0) return;
    this.gathered.add(stream, bytes);
    this.waiting += bytes.length;
    if (this.gathered.size >= pieceBytes) this.send(false);
    if (this.gathered.size > 0) this.flushing ??= this.flush();
    while (this.waiting >= mostWaiting && this.failure === undefined) await this.underWay[0];
    if (this.failure !== undefined) throw this.failure;
  }

  /** Resolves when all is stored. @throws what the store refused the output with */
  async stored(): Promise<void> {
    await this.flushing;
    await this.underWay.at(-1);
    if (this.failure !== undefined) throw this.failure;
  }

  private async flush(): Promise<void> {
    // What else this turn of the event loop brings goes into the same commit.
    await new Promise(setImmediate);
    while (this.underWay.length > 0) await this.underWay.at(-1);
    this.flushing = undefined;
    if (this.gathered.size > 0 && this.failure === undefined) this.send(true);
  }

  /** @param all also the end of what is gathered, which makes no whole piece */
  private send(all: boolean): void {
    const taken = this.gathered.take(all);
    const pieces = taken.map(({ stream, bytes }) => this.piece(stream, bytes));
    const size = taken.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const before = this.underWay.at(-1);
    this.underWay.push(this.settled(pieces, size, this.attempt(pieces), before));
  }

  private piece(stream: OutputStream, bytes: Buffer): Piece {
    const data = { stream, ...this.kept, ...contentOf(bytes) };
    this.kept[stream] += bytes.length;
    return { expected: this.count++ - 1, event: this.envelope(data) };
  }

  private attempt(pieces: readonly Piece[]): Attempt {
    return Promise.allSettled(
      pieces.map(({ expected, event }) =>
        this.store.append(this.stream, expected === -1 ? 'none' : expected, [event]),
      ),
    );
  }

  private async settled(
    pieces: readonly Piece[],
    bytes: number,
    first: Attempt,
    before: Promise<void> | undefined,
  ): Promise<void> {
    const { recoveries } = this;
    await before;
    try {
      if (this.failure === undefined) await this.insist(pieces, first, recoveries);
    } catch (error) {
      this.failure = error as Error;
    }
    this.waiting -= bytes;
    void this.underWay.shift();
  }

  /**
   * Sent again, what was stored the first time is answered as it was then. Behind a piece that was not stored,
   * those that were sent before it was stored after all are in conflict.
   * @param recoveries as many as there had been when the first attempt was made
   */
  private async insist(pieces: readonly Piece[], first: Attempt, recoveries: number): Promise<void> {
    let attempt = first;
    for (let again = false; ; again = true) {
      const failures = (await attempt).flatMap((one) =>
        one.status === 'rejected' ? [one.reason as unknown] : [],
      );
      if (failures.length === 0) {
        if (again) this.recoveries++;
        return;
      }
      const behind = !again && this.recoveries > recoveries;
      const passing = behind || failures.some((failure) => failure instanceof StoreUnavailable);
      const ours = (failure: unknown): boolean =>
        failure instanceof StoreUnavailable || failure instanceof RevisionConflict;
      if (!passing || !failures.every(ours)) throw failures[0];
      await pause(retryMs);
      attempt = this.attempt(pieces);
    }
  }

  private envelope(data: ProcessOutputWritten['data']): NewEvent<ProcessOutputWritten> {
    const { causation } = this;
    const { principal } = causation;
    return {
      id: uuidv7(),
      type: 'ProcessOutputWritten',
      data,
      metadata: {
        $correlationId: causation.options.correlationId ?? causation.id,
        $causationId: causation.id,
        actor: principal.principalId,
        project: principal.projectId,
        at: new Date().toISOString(),
      },
    };
  }
}
