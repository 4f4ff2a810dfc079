import { visible } from '#access';
import { type Principal, RuleViolation, type Streams } from '#eventsourcing';
import { processDecider, type ProcessState } from './process.decider.js';
import { processStream } from './process.events.js';

/** The process as it is now, if there is one that the caller may see. @throws RuleViolation not_found; StoreUnavailable */
export async function findProcess(streams: Streams, principal: Principal, id: string): Promise<ProcessState> {
  const { state } = await streams.load(processDecider, processStream(id));
  if (state === undefined || !visible(principal, state))
    throw new RuleViolation('not_found', `there is no process ${id}`);
  return state;
}
