import { Command, CommandHandler, type ICommandHandler } from '@nestjs/cqrs';
import type { FastifyRequest } from 'fastify';
import type { Causation, Fact } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { type Fault, isObject, pointerTo, ProblemError, validBody } from '#http';
import { RecentWrites } from '#read-models';
import { expectLeaseOf, findRun } from '#runs';
import { appendLog } from './log-changes.decider.js';
import { logDecider, type Placed, placedBefore } from './log.decider.js';
import type { AppendLogQuery } from './log.bodies.js';
import type { LogAppended, LogLine, LogStream, ProducerRequest } from './log.events.js';
import { logStreamOf } from './log.events.js';
import { logLines } from './log-lines.js';
import { placedLongAgo } from './placed-long-ago.js';
import { producerOf } from './producer-headers.js';

export interface AppendedLog {
  readonly placed: Placed;
  /** True when the producer had made this request before. */
  readonly duplicate: boolean;
  readonly position: bigint | undefined;
}

export class AppendLog extends Command<AppendedLog> {
  constructor(
    readonly runId: string,
    readonly lines: readonly LogLine[],
    readonly producer: ProducerRequest | undefined,
    readonly causation: Causation,
    readonly leaseId?: string,
  ) {
    super();
  }
}

/** @throws RuleViolation not_found, lease_lost, producer_fenced, producer_gap */
@CommandHandler(AppendLog)
export class AppendLogHandler implements ICommandHandler<AppendLog> {
  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  async execute({ runId, lines, producer, causation, leaseId }: AppendLog): Promise<AppendedLog> {
    await findRun(this.streams, causation.principal, runId);
    if (leaseId !== undefined) await expectLeaseOf(this.streams, runId, leaseId);
    const stream = logStreamOf(runId);
    const { state, events, position } = await this.streams.execute(
      logDecider,
      stream,
      causation,
      (log, last) => appendLog(log, lines, producer, last),
    );
    this.writes.wrote(stream, position);
    const before =
      producer && events.length === 0
        ? (placedBefore(state, producer) ?? (await placedLongAgo(this.streams, stream, state, producer)))
        : undefined;
    return {
      placed: before ?? placeOf(events as readonly Fact[] as readonly LogAppended[]),
      duplicate: before !== undefined,
      position,
    };
  }
}

function placeOf(events: readonly LogAppended[]): Placed {
  const first_seq = events[0]?.data.first_seq ?? 0;
  const count = events.reduce((sum, { data }) => sum + data.entries.length, 0);
  return { first_seq, last_seq: first_seq + count - 1 };
}

/**
 * The lines and the producer's numbers that a request brings, whatever its media type.
 * @throws ProblemError validation_failed with a row for every fault
 */
export function appendOf(
  request: FastifyRequest,
  { stream }: AppendLogQuery,
  runId: string,
  causation: Causation,
  leaseId?: string,
): AppendLog {
  const faults: Fault[] = [];
  const producer = producerOf(request.headers, faults);
  const text = typeof request.body === 'string' && !/json/i.test(request.headers['content-type'] ?? '');
  if (stream !== undefined && !text) {
    faults.push({ parameter: 'stream', detail: 'is for a text/plain body; an entry names its own' });
  }
  const lines = text
    ? logLines(textEntries(request.body as string, stream), '', causation.at, faults)
    : logLines(...entriesOf(request, faults), causation.at, faults);
  const [first] = faults;
  if (first === undefined) return new AppendLog(runId, lines, producer, causation, leaseId);
  const where = 'pointer' in first ? first.pointer || 'The body' : first.parameter;
  const more = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  throw new ProblemError('validation_failed', `${where}: ${first.detail}${more}.`, { errors: faults });
}

/** The entries of a JSON or NDJSON body, and the pointer to where they stand in it. */
function entriesOf({ headers, body }: FastifyRequest, faults: Fault[]): [unknown, string] {
  if (headers['content-type']?.includes('ndjson') === true) return [body, ''];
  if (!isObject(body)) {
    validBody(Object, body);
    return [undefined, '/entries'];
  }
  for (const field in body) {
    if (field !== 'entries')
      faults.push({ pointer: pointerTo('', field), detail: `${field} is not known here` });
  }
  return [body['entries'], '/entries'];
}

/** One entry a line; a line ends with LF or CRLF, the last one may end with the text. */
function textEntries(text: string, stream: LogStream | undefined): { message: string; stream?: LogStream }[] {
  if (text === '') return [];
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line) => {
    const message = line.endsWith('\r') ? line.slice(0, -1) : line;
    return stream === undefined ? { message } : { message, stream };
  });
}
