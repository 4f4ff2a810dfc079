import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type Answer,
  eventStream,
  json,
  startStub,
  type StubServer,
} from '../../../test/support/stub-server.js';
import { Api } from './api.js';
import { follow } from './follow.js';

const frame = (id: number, type = 'x.a') => `id: ${id}\nevent: ${type}\ndata: {"n":${id}}\n\n`;
const end = 'event: end\ndata: {}\n\n';
/** Lets the tests wait no longer than they must. */
const retry = 'retry: 1\n\n';

let stub: StubServer;
afterEach(async () => {
  await stub.close();
});

interface Followed {
  /** The data of all events told. */
  readonly told: string[];
  readonly notices: string[];
  readonly error?: unknown;
}

const followed = async (
  answers: readonly Answer[],
  { terminal = true, stopAt, after = 4 }: { terminal?: boolean; stopAt?: string; after?: number } = {},
): Promise<Followed> => {
  stub = await startStub(...answers);
  const api = new Api({ url: stub.url, key: 'key' });
  const stop = new AbortController();
  const told: string[] = [];
  const notices: string[] = [];
  const write = (text: string | Uint8Array): Promise<void> => {
    notices.push(String(text));
    return Promise.resolve();
  };
  const err = { terminal, colours: false, write };
  try {
    const options = { query: { types: 'x.a' }, after, signal: stop.signal };
    for await (const { data } of follow({ api, err }, '/v1/runs/r/events', options)) {
      told.push(data);
      if (data === stopAt) stop.abort();
    }
    return { told, notices };
  } catch (error) {
    return { told, notices, error };
  }
};

const asked = () => stub.requests.map(({ headers }) => headers['last-event-id']);

describe('following a stream of events', () => {
  it('asks for what it wants, and ends at its end', async () => {
    expect(await followed([eventStream(frame(5) + end)])).toEqual({ told: ['{"n":5}'], notices: [] });
    const { url, headers } = stub.requests[0] ?? {};
    expect(url).toBe('/v1/runs/r/events?types=x.a');
    expect(headers).toMatchObject({ accept: 'text/event-stream', 'last-event-id': '4' });
  });

  it('goes on behind the last whole event when the connection ends or is cut in an event', async () => {
    const { told } = await followed([
      eventStream(retry + frame(5)),
      eventStream(retry + frame(6) + 'id: 7\nevent: x.a\ndata: {"n"', { cut: true }),
      eventStream(frame(7) + end),
    ]);
    expect(told).toEqual(['{"n":5}', '{"n":6}', '{"n":7}']);
    expect(asked()).toEqual(['4', '5', '6']);
  });

  it('goes on where it was when a connection told nothing', async () => {
    await followed([eventStream(retry + frame(5)), eventStream(retry), eventStream(end)]);
    expect(asked()).toEqual(['4', '5', '5']);
  });

  it('names no place as long as it is to begin with the first event that is there', async () => {
    await followed([eventStream(retry), eventStream(retry + frame(3)), eventStream(end)], { after: 0 });
    expect(asked()).toEqual([undefined, undefined, '3']);
  });

  it('waits out a server that cannot answer, and one that is not the server', async () => {
    const { told, error } = await followed([
      eventStream(retry + frame(5)),
      json({ code: 'unavailable', retryable: true }, 503),
      json({ hello: 'from a proxy' }),
      eventStream(frame(6) + end),
    ]);
    expect([told, error]).toEqual([['{"n":5}', '{"n":6}'], undefined]);
  });

  it('says once that it waits and once that the server is back, to people alone', async () => {
    const outage = [eventStream(retry + frame(5)), json({}, 503), json({}, 503), eventStream(frame(6) + end)];
    expect((await followed(outage)).notices).toEqual([
      'runledger: the connection to the server is lost; waiting for it\n',
      'runledger: the server is back\n',
    ]);
    await stub.close();
    expect((await followed(outage, { terminal: false })).notices).toEqual([]);
  });

  it('ends when it is refused for good, even after a break', async () => {
    const refusal = json({ code: 'unauthenticated', detail: 'The key was revoked.' }, 401);
    const { error } = await followed([eventStream(retry), refusal]);
    expect(error).toMatchObject({ message: 'unauthenticated: The key was revoked.' });
  });

  it('does not wait for a server that was not there in the first place', async () => {
    expect((await followed([json({ code: 'unavailable' }, 503)])).error).toMatchObject({ status: 503 });
    await stub.close();
    expect((await followed([json({})])).error).toMatchObject({ name: 'ServerUnreachable' });
    expect(stub.requests).toHaveLength(1);
  });

  it('ends at once when it is told to', async () => {
    const open: Answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(frame(5));
    };
    expect(await followed([open], { stopAt: '{"n":5}' })).toEqual({ told: ['{"n":5}'], notices: [] });
  });
});
