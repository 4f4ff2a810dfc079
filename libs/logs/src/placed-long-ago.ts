import type { Fact, Streams } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { LogState, Placed } from './log.decider.js';
import { nextRequest } from './log.decider.js';
import type { LogFact, ProducerRequest } from './log.events.js';

/**
 * Where a request of a producer was put that is too old for the log's state to know: its events tell.
 * @throws RuleViolation producer_gap when retention has removed them; StoreUnavailable
 */
export async function placedLongAgo(
  streams: Streams,
  stream: string,
  state: LogState,
  producer: ProducerRequest,
): Promise<Placed> {
  let found: Placed | undefined;
  for await (const event of streams.read(stream, { direction: 'backwards' })) {
    const { type, data } = event as Fact as LogFact;
    const { id, epoch, seq } = (type === 'LogAppended' && data.producer) || {};
    const ours = id === producer.id && epoch === producer.epoch && seq === producer.seq;
    if (ours && type === 'LogAppended') {
      const last_seq = found?.last_seq ?? data.first_seq + data.entries.length - 1;
      found = { first_seq: data.first_seq, last_seq };
    } else if (found !== undefined) break;
  }
  if (found !== undefined) return found;
  throw new RuleViolation(
    'producer_gap',
    `retention has removed what request ${producer.seq} of the producer brought`,
    { expected_seq: nextRequest(state, producer) },
  );
}
