import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { until } from './supervised-service.js';

/** A client that asks for a stream of events and does not read what comes. */
export class StuckReader {
  private broken = false;

  private constructor(private readonly socket: Socket) {
    socket.on('error', () => (this.broken = true));
    socket.on('close', () => (this.broken = true));
  }

  static async open(url: string, key: string): Promise<StuckReader> {
    const { hostname, port, pathname, search } = new URL(url);
    const socket = connect(Number(port), hostname).pause();
    const reader = new StuckReader(socket);
    await once(socket, 'connect');
    const head = [`GET ${pathname}${search} HTTP/1.1`, `Host: ${hostname}`, `Authorization: Bearer ${key}`];
    socket.write(`${head.join('\r\n')}\r\nAccept: text/event-stream\r\n\r\n`);
    return reader;
  }

  /** Resolves when the server has cut the connection. Who does not read learns that by writing alone. */
  async cut(): Promise<void> {
    await until(() => {
      if (!this.broken) this.socket.write('\r\n');
      return this.broken;
    });
  }

  /** What had arrived before the cut, as far as the system kept it. */
  close(): void {
    this.socket.destroy();
  }
}
