import { setTimeout as delay } from 'node:timers/promises';
import type { ApiRequest } from './api.js';
import type { Context } from './command.js';
import { EventStreamParser, type ServerSentEvent } from './event-stream-parser.js';
import { withRetries } from './retry.js';

export interface FollowOptions {
  readonly query: NonNullable<ApiRequest['query']>;
  /** The id behind which to begin; 0 for the first event that is there. */
  readonly after: number;
  readonly signal: AbortSignal;
  /** Called before anything is said about an outage, lest it be said in the middle of a line. */
  readonly beforeNotice?: () => Promise<void>;
}

/** How long to wait after a break, in milliseconds, until the server advises something else. */
const firstRetry = 1_000;

/**
 * The events of a stream until its `end`, that one left out, or until the signal. Once it stands, every break is
 * survived, however long: it goes on behind the last event told, and none is told twice.
 * @throws ProblemAnswer, when the server refuses for good; ServerUnreachable, at the first connection alone
 */
export async function* follow(
  { api, err }: Pick<Context, 'api' | 'err'>,
  path: string,
  { query, after, signal, beforeNotice }: FollowOptions,
): AsyncGenerator<ServerSentEvent> {
  let lastEventId = after === 0 ? '' : String(after);
  let retry = firstRetry;
  const connect = () => {
    const headers = lastEventId === '' ? {} : { 'last-event-id': lastEventId };
    return api.stream(path, { query, headers, signal });
  };
  const notice = async (text: string): Promise<void> => {
    if (!err.terminal) return;
    await beforeNotice?.();
    await err.write(`runledger: ${text}\n`);
  };

  for (let chunks = await connect(); ;) {
    const parser = new EventStreamParser(lastEventId);
    for await (const chunk of chunks) {
      for (const event of parser.push(chunk)) {
        if (event.type === 'end') return;
        yield event;
      }
    }
    if (signal.aborted) return;
    lastEventId = parser.lastEventId;
    retry = parser.retry ?? retry;
    await notice('the connection to the server is lost; waiting for it');
    await delay(retry, undefined, { signal });
    chunks = await withRetries(connect, { giveUpAfter: Infinity, firstPause: retry, signal });
    await notice('the server is back');
  }
}
