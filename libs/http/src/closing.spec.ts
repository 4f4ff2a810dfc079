import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { fastify, type FastifyInstance } from 'fastify';
import { closingOf } from './closing.js';
import { fastifyOptions } from './setup.js';

let server: FastifyInstance;
let closing: AbortSignal;
let agent: Agent;

beforeEach(() => {
  const { return503OnClosing } = fastifyOptions();
  server = fastify({ return503OnClosing });
  // Never cut off, so that what is waited for too long is seen.
  closing = closingOf(server, 2 ** 31 - 1);
  agent = new Agent({ keepAlive: true, maxSockets: 1 });
});

afterEach(async () => {
  agent.destroy();
  await server.close();
});

const connected = () => {
  const { port } = server.server.address() as AddressInfo;
  return connect(port, '127.0.0.1');
};

async function asked(): Promise<IncomingMessage> {
  const { port } = server.server.address() as AddressInfo;
  const [answer] = (await once(get({ port, agent }), 'response')) as [IncomingMessage];
  answer.resume();
  return answer;
}

test('a server that stops does not wait for connections by which nothing has come', async () => {
  await server.listen();
  const arrived = once(server.server, 'connection');
  const socket = connected();
  await arrived;
  const gone = once(socket, 'close');
  await server.close();
  await gone;
});

test('nor for those that stay open behind an answer that was given meanwhile', async () => {
  server.get('/', async (_request, reply) => {
    // The head is out before the server stops: it cannot say that the connection is to be closed.
    reply.hijack();
    reply.raw.writeHead(200).flushHeaders();
    await once(closing, 'abort');
    reply.raw.end();
  });
  await server.listen();
  const answer = await asked();
  await server.close();
  expect(answer.statusCode).toBe(200);
});

test('a request that comes behind one under way is served', async () => {
  let arrived: () => void = () => undefined;
  const second = new Promise<void>((resolve) => (arrived = resolve));
  server.get('/', () => second.then(() => 'first'));
  server.get('/second', () => {
    arrived();
    return 'second';
  });
  await server.listen();
  const socket = connected();
  let text = '';
  socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const gone = once(socket, 'close');
  const first = once(server.server, 'request');
  socket.write('GET / HTTP/1.1\r\nHost: here\r\n\r\n');
  await first;
  closing.addEventListener('abort', () => {
    socket.write('GET /second HTTP/1.1\r\nHost: here\r\n\r\n');
  });
  await server.close();
  await gone;
  expect(text).toMatch(/first[^]*second/);
});

test('what takes too long is cut off', async () => {
  const other = fastify();
  closingOf(other, 0);
  other.get('/', () => new Promise(() => undefined));
  await other.listen();
  const { port } = other.server.address() as AddressInfo;
  const arrived = once(other.server, 'request');
  const cut = once(get({ port, agent }), 'error');
  await arrived;
  await other.close();
  expect(await cut).toMatchObject([{ code: 'ECONNRESET' }]);
});
