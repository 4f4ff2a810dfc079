import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

export interface StubServer {
  readonly url: string;
  /** The requests that came, in order. */
  readonly requests: readonly IncomingMessage[];
  close(): Promise<void>;
}

/** A server that gives one answer after the other, whatever it is asked. */
export async function startStub(...answers: readonly Answer[]): Promise<StubServer> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    answers[requests.length]?.(response, request);
    requests.push(request);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** A stream of events. @param cut whether the connection is broken behind it, rather than ended */
export const eventStream =
  (text: string, { cut = false } = {}): Answer =>
  (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    response.write(text, () => {
      if (cut) response.destroy();
      else response.end();
    });
  };

export const json =
  (body: object, status = 200): Answer =>
  (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
