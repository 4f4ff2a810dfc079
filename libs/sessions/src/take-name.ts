import { type Causation, Streams } from '#eventsourcing';
import {
  type Claimant,
  move,
  reservationDecider,
  type ReservationState,
  reserve,
} from './reservation.decider.js';

/** A name whose bearer is not there is that of a writer on its way, or of one that died, for this long (ms). */
const writerPatience = 60_000;

/**
 * Takes a name before what bears it is written: from nobody, or from a writer that died in between.
 * @param stream of the name
 * @param isThere whether a holder bears the name
 * @returns false when another has it
 */
export async function takeName(
  streams: Streams,
  stream: string,
  claimant: Claimant,
  causation: Causation,
  isThere: (holder: string) => Promise<boolean>,
): Promise<boolean> {
  const { state: known } = await streams.load(reservationDecider, stream);
  const abandoned = isOld(known, causation) && !(await isThere(known.holder ?? ''));
  const { state } = await streams.execute(reservationDecider, stream, causation, (now) =>
    abandoned && now.holder === known.holder ? move(now, claimant) : reserve(now, claimant),
  );
  return state.holder === claimant.holder;
}

const isOld = ({ since }: ReservationState, { milliseconds }: Causation): boolean =>
  since !== null && milliseconds - Date.parse(since) >= writerPatience;
