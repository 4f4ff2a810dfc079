import { Injectable } from '@nestjs/common';
import { type Causation, seal, Streams } from '#eventsourcing';
import { giveInput, processInputDecider } from './process-input.decider.js';
import { inputStreamOf } from './process-input.events.js';
import { ProcessKeys } from './process-keys.js';

/** Sealed and as JSON, a piece is well below the 1 MB that stores take by default. */
const pieceBytes = 512 * 1024;

/** Puts what is given for the standard input of processes where their hosts find it. */
@Injectable()
export class ProcessInputs {
  constructor(
    private readonly streams: Streams,
    private readonly keys: ProcessKeys,
  ) {}

  /**
   * @param closes whether nothing follows
   * @returns position of what was given; undefined when that was nothing
   * @throws RuleViolation stdin_closed; StoreUnavailable
   */
  async give(
    processId: string,
    bytes: Buffer,
    closes: boolean,
    causation: Causation,
  ): Promise<bigint | undefined> {
    const pieces: Buffer[] = [];
    for (let n = 0; n < bytes.length; n += pieceBytes) pieces.push(bytes.subarray(n, n + pieceBytes));
    const key =
      pieces.length === 0
        ? undefined
        : await this.keys.ensured('input', processId, causation.principal.projectId);
    const sealed = key === undefined ? [] : pieces.map((piece) => seal(key, piece));
    const stream = inputStreamOf(processId);
    const { position } = await this.streams.execute(processInputDecider, stream, causation, (input) =>
      giveInput(input, sealed, closes),
    );
    return position;
  }
}
