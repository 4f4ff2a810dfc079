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

/** The largest piece that is stored: as JSON it is well below 1 MB, the most that stores take by default. */
const pieceBytes = 256 * 1024;
/** How much may be gathered while a commit is on its way. */
const mostGathered = 1024 * 1024;
const retryMs = 200;

interface Piece {
  readonly expected: number;
  readonly event: NewEvent<ProcessOutputWritten>;
}

interface Gathered {
  readonly stream: OutputStream;
  readonly parts: Buffer[];
}

/**
 * Stores the output of one process in its order. What is written while a commit is on its way is gathered for
 * the next one; when that is a lot, whoever writes waits, and so does, in the end, the process. A store that
 * cannot be reached is tried until it can.
 */
export class OutputAppender {
  private readonly stream: string;
  private readonly causation: Causation;
  private readonly kept = { stdout: 0, stderr: 0 };
  private count = 0;
  private gathered: Gathered[] = [];
  private size = 0;
  private sending: Promise<void> | undefined;
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
    const last = this.gathered.at(-1);
    if (last?.stream === stream) last.parts.push(bytes);
    else this.gathered.push({ stream, parts: [bytes] });
    this.size += bytes.length;
    this.sending ??= this.send();
    while (this.size >= mostGathered && this.failure === undefined) await this.sending;
    if (this.failure !== undefined) throw this.failure;
  }

  /** Resolves when all is stored. @throws what the store refused the output with */
  async stored(): Promise<void> {
    while (this.sending !== undefined) await this.sending;
    if (this.failure !== undefined) throw this.failure;
  }

  private async send(): Promise<void> {
    try {
      // What else this turn of the event loop brings goes into the same commit.
      await new Promise(setImmediate);
      await this.insist(this.take());
    } catch (error) {
      this.failure = error as Error;
    }
    this.sending = this.size > 0 && this.failure === undefined ? this.send() : undefined;
  }

  private take(): Piece[] {
    const pieces: Piece[] = [];
    for (const { stream, parts } of this.gathered) {
      const bytes = parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
      for (let n = 0; n < bytes.length; n += pieceBytes) {
        pieces.push(this.piece(stream, bytes.subarray(n, n + pieceBytes)));
      }
    }
    this.gathered = [];
    this.size = 0;
    return pieces;
  }

  private piece(stream: OutputStream, bytes: Buffer): Piece {
    const data = { stream, ...this.kept, base64: bytes.toString('base64') };
    this.kept[stream] += bytes.length;
    return { expected: this.count++ - 1, event: this.envelope(data) };
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
