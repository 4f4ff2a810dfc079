import { Injectable } from '@nestjs/common';
import { ReadModelClock } from '#read-models';
import { accessProjection } from './access.projection.js';

/** How long a change of keys or projects is held back until callers can see it, in milliseconds. */
const patience = 5_000;

/** Holds an answer back until the read model has the change, so that a key works, or no longer works, at once. */
@Injectable()
export class AccessWrites {
  constructor(private readonly clock: ReadModelClock) {}

  /** Also answers when the read model does not come: the change is stored all the same. */
  async seen(position: bigint | undefined): Promise<void> {
    if (position !== undefined) await this.clock.reached(accessProjection, position, patience);
  }
}
