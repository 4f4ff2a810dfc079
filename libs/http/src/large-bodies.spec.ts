import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { limitLargeBodies } from './large-bodies.js';
import { bodyLimit, ProblemError } from './problems.js';

const large = 100_000;

let app: FastifyInstance;
let arrived: number;
/** Bodies that have come as a whole, and how to answer each. */
let come: { readonly bytes: number; answer(): void }[];
/** Whether what comes now is answered at once. */
let atOnce: boolean;
let changed: () => void;

async function listen(options: { most?: number; patience?: number } = {}): Promise<void> {
  app = fastify({ bodyLimit, forceCloseConnections: true });
  app.addHook('onRequest', (_request, _reply, done) => {
    done();
    arrived++;
    changed();
  });
  limitLargeBodies(app, { small: 1_000, most: 2 * large, ...options });
  app.setErrorHandler((error, _request, reply) => {
    void reply.code(500).send(error instanceof ProblemError ? error.code : String(error));
  });
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  app.post('/', async ({ body }) => {
    await new Promise<void>((resolve) => {
      come.push({ bytes: (body as Buffer).length, answer: resolve });
      changed();
      if (atOnce) resolve();
    });
    return 'done';
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
}

beforeEach(() => {
  arrived = 0;
  come = [];
  atOnce = false;
  changed = () => undefined;
});
afterEach(async () => {
  for (const one of come) one.answer();
  await app.close();
});

const until = async (condition: () => boolean): Promise<void> => {
  while (!condition()) await new Promise<void>((resolve) => (changed = resolve));
};

function post(
  bytes: number,
  headers: Record<string, string | number> = { 'content-length': bytes },
): ClientRequest {
  const { port } = app.server.address() as AddressInfo;
  const asked = send({ port, method: 'POST', headers: { 'content-type': 'x/y', ...headers } });
  asked.on('error', () => undefined); // some are taken back
  asked.end(Buffer.alloc(bytes));
  return asked;
}

async function answerTo(asked: ClientRequest): Promise<string> {
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return (await response.toArray()).join('');
}

it('large bodies beyond the room for them wait until others are done; small ones never do', async () => {
  await listen();
  const asked = [post(large), post(large)];
  await until(() => come.length === 2);
  asked.push(post(large - 1));
  await until(() => arrived === 3);
  asked.push(post(1_000));
  await until(() => come.length === 3);
  expect(come.map(({ bytes }) => bytes)).toEqual([large, large, 1_000]);
  const answers = Promise.all(asked.map(answerTo));
  come[0]?.answer();
  await until(() => come.length === 4);
  expect(come[3]?.bytes).toBe(large - 1);
  for (const one of come) one.answer();
  expect(await answers).toEqual(Array(4).fill('done'));
});

it('who gives up leaves its place, whether it had room or waited', async () => {
  await listen();
  const gone = [post(large), post(large)];
  await until(() => come.length === 2);
  gone.push(post(large), post(large));
  await until(() => arrived === 4);
  const patient = Promise.all([post(2 * large), post(2 * large)].map(answerTo));
  await until(() => arrived === 6);
  for (const one of gone) one.destroy();
  // Of those that waited it is seen when they are read.
  atOnce = true;
  expect(await patient).toEqual(['done', 'done']);
});

it('a body that does not say how long it is has the room of the longest', async () => {
  await listen({ most: bodyLimit });
  post(large, { 'transfer-encoding': 'chunked' });
  await until(() => come.length === 1);
  post(large);
  await until(() => arrived === 2);
  post(1);
  await until(() => come.length === 2);
  come[0]?.answer();
  await until(() => come.length === 3);
  expect(come.map(({ bytes }) => bytes)).toEqual([large, 1, large]);
});

it('who has waited too long is told to come again, and the room stays what it was', async () => {
  await listen({ patience: 200 });
  const first = answerTo(post(2 * large));
  await until(() => come.length === 1);
  expect(await answerTo(post(2 * large))).toBe('rate_limited');
  come[0]?.answer();
  await first;
  const third = answerTo(post(2 * large));
  await until(() => come.length === 2);
  expect(await answerTo(post(large))).toBe('rate_limited');
  come[1]?.answer();
  expect(await third).toBe('done');
});
