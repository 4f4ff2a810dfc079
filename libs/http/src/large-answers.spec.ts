import { once } from 'node:events';
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { limitLargeAnswers } from './large-answers.js';
import { ProblemError } from './problems.js';

/** More than the buffers of two sockets hold. */
const large = 'x'.repeat(32 * 1024 * 1024);

let app: FastifyInstance;
let answering: Promise<ServerResponse>;

async function listen(limits: { patience?: number; most?: number }): Promise<void> {
  app = fastify({ forceCloseConnections: true });
  limitLargeAnswers(app, limits);
  let answers: (response: ServerResponse) => void;
  answering = new Promise((resolve) => (answers = resolve));
  app.route({
    method: ['GET', 'POST'],
    url: '/large',
    handler: (_request, reply) => {
      answers(reply.raw);
      void reply.send(large);
    },
  });
  app.get('/slow', (_request, reply) => {
    answers(reply.raw);
    void reply.send(Readable.from(late(reply.raw)));
  });
  app.get('/small', () => 'small');
  app.setErrorHandler((error, _request, reply) => {
    void reply.code(500).send(error instanceof ProblemError ? error.code : String(error));
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
async function asked(path: string, method = 'GET'): Promise<IncomingMessage> {
  const { port } = app.server.address() as AddressInfo;
  const [answer] = (await once(request({ port, path, method, agent: false }).end(), 'response')) as [
    IncomingMessage,
  ];
  return answer;
}

it('an answer that nobody reads is cut', async () => {
  await listen({ patience: 500 });
  const answer = await asked('/large');
  const response = await answering;
  if (!response.destroyed) await once(response, 'close');
  await expect(buffer(answer)).rejects.toThrow('aborted');
});

it('one that is read is not', async () => {
  await listen({});
  expect(await buffer(await asked('/large'))).toHaveLength(large.length);
});

it('one that the server takes its time over is not', async () => {
  await listen({ patience: 500 });
  expect((await buffer(await asked('/slow'))).toString()).toBe('first, then');
});

it('an answer beside others that leave it no room is refused, until they have gone', async () => {
  await listen({ most: 1.5 * large.length });
  const first = await asked('/large');
  const refused = await asked('/large');
  expect((await buffer(refused)).toString()).toBe('rate_limited');
  expect((await asked('/small')).statusCode).toBe(200);
  // What a claim has taken would be lost with its answer.
  expect(await buffer(await asked('/large', 'POST'))).toHaveLength(large.length);
  const response = await answering;
  first.destroy();
  if (!response.destroyed) await once(response, 'close');
  expect(await buffer(await asked('/large'))).toHaveLength(large.length);
});

it('one that is larger than all may be together is answered by itself', async () => {
  await listen({ most: 1 });
  expect(await buffer(await asked('/large'))).toHaveLength(large.length);
});
