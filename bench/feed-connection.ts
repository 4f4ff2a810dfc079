import { connect, type Socket } from 'node:net';
import { requestBytes } from './connection.js';

export interface FeedRequest {
  /** Base URL of the server. */
  readonly url: string;
  readonly key: string;
  readonly path: string;
}

const mark = /"at":([\d.]+)\}/g;
/** A mark may be cut in two by the network: so many characters are looked at again. */
const markLength = 32;

/** Sends the request of a stream of events on a connection of its own. */
const ask = (socket: Socket, { url, key, path }: FeedRequest): void => {
  const { host } = new URL(url);
  const accept = 'text/event-stream';
  socket.write(requestBytes({ host, key, method: 'GET', path, accept, contentType: '' }));
};

const open = ({ url }: FeedRequest): Socket => {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname);
};

/**
 * Follows a stream of events, and looks for nothing in it but the time that each benchmark event carries.
 * @param received told of that time, once the event is here to its last byte
 * @param lost told when the connection ends
 * @returns resolves once the stream has begun
 */
export const follow = (
  request: FeedRequest,
  received: (at: number) => void,
  lost: (error: Error) => void,
): Promise<Socket> => {
  const socket = open(request);
  let rest = '';
  ask(socket, request);
  socket.on('error', lost).on('close', () => {
    lost(new Error('the server closed a stream'));
  });
  return new Promise((resolve) => {
    socket.on('data', (chunk) => {
      const text = rest + chunk.toString('latin1');
      let end = 0;
      for (const found of text.matchAll(mark)) {
        received(Number(found[1]));
        end = found.index + found[0].length;
      }
      rest = text.slice(Math.max(end, text.length - markLength));
      resolve(socket);
    });
  });
};

/** Asks for a stream of events and never reads a byte of it. */
export const neverRead = async (request: FeedRequest): Promise<Socket> => {
  const socket = open(request).pause();
  // That the server cuts it is what should happen.
  socket.on('error', () => undefined);
  ask(socket, request);
  return new Promise((resolve) =>
    socket.once('connect', () => {
      resolve(socket);
    }),
  );
};
