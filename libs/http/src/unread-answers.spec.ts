import { once } from 'node:events';
import { get, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { cutUnreadAnswers } from './unread-answers.js';

/** More than the buffers of two sockets hold. */
const large = 'x'.repeat(32 * 1024 * 1024);

let app: FastifyInstance;
let answering: Promise<ServerResponse>;

async function listen(patience: number): Promise<void> {
  app = fastify({ forceCloseConnections: true });
  cutUnreadAnswers(app, { patience });
  let answers: (response: ServerResponse) => void;
  answering = new Promise((resolve) => (answers = resolve));
  app.get('/large', (_request, reply) => {
    answers(reply.raw);
    void reply.send(large);
  });
  app.get('/slow', (_request, reply) => {
    answers(reply.raw);
    void reply.send(Readable.from(late(reply.raw)));
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
}
afterEach(() => app.close());

/** Goes on only after the client has waited for as long as it may let the server wait. */
async function* late(response: ServerResponse): AsyncGenerator<string> {
  yield 'first, ';
  await once(response, 'timeout');
  yield 'then';
}

/** Asks for a page, and reads nothing of the answer yet. */
async function asked(path: string): Promise<IncomingMessage> {
  const { port } = app.server.address() as AddressInfo;
  const [answer] = (await once(get({ port, path, agent: false }), 'response')) as [IncomingMessage];
  return answer;
}

it('an answer that nobody reads is cut', async () => {
  await listen(500);
  const answer = await asked('/large');
  const response = await answering;
  if (!response.destroyed) await once(response, 'close');
  await expect(buffer(answer)).rejects.toThrow('aborted');
});

it('one that is read is not', async () => {
  await listen(60_000);
  expect(await buffer(await asked('/large'))).toHaveLength(large.length);
});

it('one that the server takes its time over is not', async () => {
  await listen(500);
  expect((await buffer(await asked('/slow'))).toString()).toBe('first, then');
});
