import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { breakableProxy } from './breakable-proxy.js';
import { startStandIn } from './kurrent-stand-in/server.js';

export interface KurrentServer {
  readonly name: string;
  readonly connectionString: string;
  breakConnections(): void;
  close(): Promise<void>;
}

interface Behind {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** What stands before the address in the connection string. */
  readonly user?: string;
  /** What follows the address in the connection string. */
  readonly search: string;
  close(): Promise<void>;
}

const image = 'kurrentplatform/kurrentdb:latest';
/** What servers from 25.1 on take at once, in bytes. */
const newest = { maxAppendSize: 256 * 1024 * 1024, maxAppendEventSize: 16 * 1024 * 1024 };

/** The server that KURRENTDB_URL names (a single node), else one in Docker, else the stand-in. */
export async function startKurrentServer(): Promise<KurrentServer> {
  const url = process.env['KURRENTDB_URL'];
  const behind = url === undefined ? ((await inDocker()) ?? (await standIn())) : named(url);
  const proxy = await breakableProxy(behind.host, behind.port);
  return {
    name: behind.name,
    connectionString: `kurrentdb://${behind.user ?? ''}127.0.0.1:${proxy.port}${behind.search}`,
    breakConnections: () => {
      proxy.breakConnections();
    },
    close: async () => {
      await proxy.close();
      await behind.close();
    },
  };
}

function named(url: string): Behind {
  const { hostname, port, search, username, password } = new URL(url);
  return {
    name: 'KURRENTDB_URL',
    host: hostname,
    port: Number(port || 2113),
    ...(username !== '' && { user: `${username}:${password}@` }),
    search,
    close: () => Promise.resolve(),
  };
}

async function inDocker(): Promise<Behind | undefined> {
  try {
    await promisify(execFile)('docker', ['info'], { timeout: 3_000 });
  } catch {
    return undefined;
  }
  const { GenericContainer, Wait } = await import('testcontainers');
  const container = await new GenericContainer(image)
    .withCommand(['--insecure', '--mem-db'])
    .withExposedPorts(2113)
    .withWaitStrategy(Wait.forHttp('/health/live', 2113).forStatusCode(204))
    .start();
  return {
    name: `${image} in Docker`,
    host: container.getHost(),
    port: container.getMappedPort(2113),
    search: '?tls=false',
    close: async () => {
      await container.stop();
    },
  };
}

async function standIn(): Promise<Behind> {
  const server = await startStandIn(newest);
  return {
    name: 'gRPC stand-in',
    host: '127.0.0.1',
    port: server.port,
    search: '?tls=false',
    close: () => {
      server.close();
      return Promise.resolve();
    },
  };
}
