import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** How often it is looked for connections whose last answer is out, in milliseconds. */
const lookEvery = 50;
const longest = 8_000;

/**
 * Has a server that stops wait for the requests under way and for nothing else: not for connections by which none
 * has come yet, nor for those that stay open behind their last answer. What takes too long is cut off.
 * @param longestMs how long requests under way may take to end by themselves
 * @returns aborted when the server stops: who waits for something is to be answered with what is so by now
 */
export function closingOf(fastify: FastifyInstance, longestMs = longest): AbortSignal {
  const closing = new AbortController();
  // Every request that waits listens to it.
  setMaxListeners(0, closing.signal);
  const { server } = fastify;
  const silent = silentConnections(server);
  fastify.addHook('preClose', (done) => {
    closing.abort();
    for (const socket of silent) socket.destroy();
    const looking = setInterval(() => {
      server.closeIdleConnections();
    }, lookEvery);
    const cutting = setTimeout(() => {
      server.closeAllConnections();
    }, longestMs);
    server.once('close', () => {
      clearInterval(looking);
      clearTimeout(cutting);
    });
    done();
  });
  return closing.signal;
}

/** The connections by which no request has come. To Node they are not idle: it expects one at any moment. */
function silentConnections(server: Server): ReadonlySet<Socket> {
  const silent = new Set<Socket>();
  server.on('connection', (socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
  });
  server.on('request', ({ socket }) => {
    silent.delete(socket);
  });
  return silent;
}
