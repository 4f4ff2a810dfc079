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
import type { OnBehalf } from './insist.js';
import type { OutputStream } from './process.events.js';
import { outputStreamOf, type ProcessOutputWritten } from './process-output.events.js';

/** How many pieces may wait to be stored; together they are one commit of the Postgres store. */
const window = 16;
const retryMs = 200;

interface Piece {
  readonly expected: number;
  readonly event: NewEvent<ProcessOutputWritten>;
}

/**
 * Stores the output of one process, piece behind piece. Whoever writes waits while too much is on its way,
 * and so does, in the end, the process. A store that cannot be reached is tried until it can.
 */
export class OutputAppender {
  private readonly stream: string;
  private readonly causation: Causation;
  private readonly kept = { stdout: 0, stderr: 0 };
  private count = 0;
  private waiting: Piece[] = [];
  private sending: Promise<void> | undefined;
  private failure: unknown;

  constructor(
    private readonly store: EventStore,
    processId: string,
    { project, correlationId }: OnBehalf,
  ) {
    this.stream = outputStreamOf(processId);
    this.causation = new Causation(servicePrincipal(project), { correlationId });
  }

  /** Resolves when there is room for another piece. @throws what the store refused a piece with */
  async append(stream: OutputStream, bytes: Buffer): Promise<void> {
    const data = { stream, ...this.kept, base64: bytes.toString('base64') };
    this.kept[stream] += bytes.length;
    this.waiting.push({ expected: this.count - 1, event: this.envelope(data) });
    this.count++;
    this.sending ??= this.send();
    while (this.waiting.length >= window && this.failure === undefined) await this.sending;
    if (this.failure !== undefined) throw this.failure as Error;
  }

  /** Resolves when all is stored. @throws what the store refused a piece with */
  async stored(): Promise<void> {
    while (this.sending !== undefined) await this.sending;
    if (this.failure !== undefined) throw this.failure as Error;
  }

  private async send(): Promise<void> {
    try {
      // What else this turn of the event loop brings goes into the same commit.
      await new Promise(setImmediate);
      const pieces = this.waiting;
      this.waiting = [];
      await this.insist(pieces);
    } catch (error) {
      this.failure = error;
    }
    this.sending = this.waiting.length > 0 && this.failure === undefined ? this.send() : undefined;
  }

  /** Sent again, what was stored the first time is answered as it was then. */
  private async insist(pieces: readonly Piece[]): Promise<void> {
    for (;;) {
      const sent = await Promise.allSettled(
        pieces.map(({ expected, event }) =>
          this.store.append(this.stream, expected === -1 ? 'none' : expected, [event]),
        ),
      );
      const failures = sent.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
      if (failures.length === 0) return;
      // Behind a piece that was not stored, those that were sent with it are in conflict.
      const passing = failures.some((failure) => failure instanceof StoreUnavailable);
      const ours = (failure: unknown): boolean =>
        failure instanceof StoreUnavailable || failure instanceof RevisionConflict;
      if (!passing || !failures.every(ours)) throw failures[0];
      await pause(retryMs);
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
