import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

export interface BreakableProxy {
  readonly port: number;
  /** Cuts every connection that stands; new ones are taken as before. */
  breakConnections(): void;
  close(): Promise<void>;
}

/**
 * Stands between the clients under test and a server that must not be touched.
 * @param at its own port; a free one by default
 */
export async function breakableProxy(host: string, port: number, at = 0): Promise<BreakableProxy> {
  const sockets = new Set<Socket>();
  const breakConnections = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const server = createServer((near) => {
    const far = connect(port, host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far);
    far.pipe(near);
  });
  server.listen(at, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    breakConnections,
    close: async () => {
      server.close();
      breakConnections();
      await once(server, 'close');
    },
  };
}
