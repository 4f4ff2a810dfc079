import { Connection, requestBytes } from './connection.js';
import { Latencies } from './latencies.js';

export interface LoadOptions {
  /** Base URL of the server. */
  readonly url: string;
  readonly key: string;
  readonly connections: number;
  readonly method: string;
  /** Requests take these in turn. */
  readonly paths: readonly string[];
  readonly body?: string;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Measured time. */
  readonly seconds: number;
  /** Unmeasured time before (default 0). */
  readonly warmUpSeconds?: number;
  /** Ends after so many requests instead of by time; nothing is warmed up then. */
  readonly requests?: number;
}

export interface LoadResult {
  /** Requests answered 2xx in the measured time. */
  readonly requests: number;
  /** Those answered otherwise, by status. */
  readonly refused: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly per_second: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
}

/** Loads a server with one request in flight per connection. @throws when a connection breaks */
export const generate = async (options: LoadOptions): Promise<LoadResult> => {
  const { hostname, port, host } = new URL(options.url);
  const { key, method, body, contentType = 'application/json' } = options;
  const requests = options.paths.map((path) => requestBytes({ host, key, method, path, body, contentType }));
  const latencies = new Latencies();
  const refused: Record<string, number> = {};
  const limit = options.requests ?? Infinity;
  const start =
    performance.now() + (options.requests === undefined ? (options.warmUpSeconds ?? 0) * 1000 : 0);
  const end = options.requests === undefined ? start + options.seconds * 1000 : Infinity;
  let sent = 0;

  const drive = async (connection: Connection): Promise<void> => {
    while (sent < limit) {
      const request = requests[sent++ % requests.length];
      if (request === undefined) throw new RangeError('a path is needed');
      const before = performance.now();
      const status = await connection.send(request);
      const after = performance.now();
      if (after > end) return;
      if (after < start) continue;
      if (status < 300) latencies.add(after - before);
      else refused[status] = (refused[status] ?? 0) + 1;
    }
  };

  const connections = Array.from(
    { length: options.connections },
    () => new Connection(hostname, Number(port)),
  );
  try {
    await Promise.all(connections.map(drive));
  } finally {
    for (const connection of connections) connection.close();
  }
  const seconds = (Math.min(performance.now(), end) - start) / 1000;
  const [p50 = 0, p99 = 0, max = 0] = latencies.percentiles(0.5, 0.99, 1);
  return {
    requests: latencies.count,
    refused,
    seconds,
    per_second: latencies.count / seconds,
    p50_ms: p50,
    p99_ms: p99,
    max_ms: max,
  };
};
