import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RequestContext } from './context.js';
import { EventStream, frame } from './event-stream.js';
import { Follower, type Piece } from './follower.js';

/** More than the system keeps for a socket that nobody reads. */
const large = frame('large', 'x'.repeat(32 * 2 ** 20), 1);
const quietMs = 15_000;

class Telling extends Follower {
  constructor(
    stream: EventStream,
    private readonly pieces: Piece[],
  ) {
    super(stream);
  }

  protected next(): Promise<Piece> {
    return Promise.resolve(this.pieces.shift() ?? { frames: '', more: false, end: false });
  }
}

let server: Server;
let stream: EventStream;
let client: IncomingMessage;

beforeEach(async () => {
  server = createServer((_request, raw) => {
    const reply = { raw, hijack: () => undefined, getHeaders: () => ({}) };
    stream = new EventStream({ reply } as unknown as RequestContext);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const asked = get({ port: (server.address() as AddressInfo).port, agent: false });
  [client] = (await once(asked, 'response')) as [IncomingMessage];
});

afterEach(async () => {
  client.destroy();
  await stream.closed();
  server.close();
});

const textOf = async (): Promise<string> => {
  let text = '';
  for await (const chunk of client) text += String(chunk);
  return text;
};

/** What the follower does at a tick after so long a silence. */
const quiet = (follower: Follower): void => {
  follower.tick(Date.now() + quietMs, quietMs);
};

describe('a follower', () => {
  test('tells piece after piece, and the end', async () => {
    const pieces = [
      { frames: 'a\n', more: true, end: false },
      { frames: 'b\n', more: false, end: true },
    ];
    new Telling(stream, pieces).wake();
    expect(await textOf()).toBe('retry: 1000\n\na\nb\nevent: end\ndata: {}\n\n');
    await stream.closed();
  });

  test('reads nothing more while its client reads nothing, and all of it once that does', async () => {
    const pieces = [
      { frames: large, more: true, end: false },
      { frames: 'b\n', more: false, end: true },
    ];
    new Telling(stream, pieces).wake();
    await new Promise(setImmediate);
    expect([stream.full, pieces.length]).toEqual([true, 1]);
    expect((await textOf()).length).toBeGreaterThan(large.length);
    expect(pieces).toEqual([]);
  });

  test('says in the silence that it is there', async () => {
    const follower = new Telling(stream, []);
    quiet(follower);
    follower.wake();
    await new Promise(setImmediate);
    stream.end();
    expect(await textOf()).toBe('retry: 1000\n\n: keepalive\n\n');
  });

  test.each([
    ['what it is told', false],
    ['the end', true],
  ])('is cut when its client does not read %s', async (_what, end) => {
    const follower = new Telling(stream, [{ frames: large, more: false, end }]);
    follower.wake();
    await new Promise(setImmediate);
    let closed = false;
    const closing = stream.closed().then(() => (closed = true));
    await new Promise(setImmediate);
    expect(closed).toBe(false);
    quiet(follower);
    await closing;
    await expect(textOf()).rejects.toThrow('aborted');
  });

  test('is cut when what it must tell cannot be read', async () => {
    const follower = new Telling(stream, []);
    Object.assign(follower, { next: () => Promise.reject(new Error('the database does not answer')) });
    follower.wake();
    await stream.closed();
    await expect(textOf()).rejects.toThrow('aborted');
  });
});
