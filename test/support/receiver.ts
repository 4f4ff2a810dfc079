import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { until } from './supervised-service.js';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  /** As it came. */
  readonly body: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** How a receiver answers; one that never ends the response hangs. */
export type Answers = (response: ServerResponse, received: Received) => void;

/** A destination of webhooks on this machine, which keeps all that it was sent. */
export class Receiver {
  readonly received: Received[] = [];
  /** The most requests that were under way together. */
  mostAtOnce = 0;
  private readonly underWay = new Set<ServerResponse>();

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(answers: Answers = (response) => response.end()): Promise<Receiver> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new Receiver(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`);
    server.on('request', (request, response) => {
      receiver.mostAtOnce = Math.max(receiver.mostAtOnce, receiver.underWay.add(response).size);
      response.once('close', () => receiver.underWay.delete(response));
      void text(request).then((body) => {
        const event = JSON.parse(body) as Received['event'];
        const received = { headers: request.headers, body, event };
        receiver.received.push(received);
        answers(response, received);
      });
    });
    return receiver;
  }

  /** Waits until so many requests came. */
  async count(least: number): Promise<readonly Received[]> {
    await until(() => this.received.length >= least);
    return this.received;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
