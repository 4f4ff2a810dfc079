import { KurrentDBClient, UnavailableError } from '@kurrent/kurrentdb-client';

/**
 * The client, and another one in its place for reading once its native reader has found no server: that reader
 * asks a leader that has died for ever, and none at all when its first connection has failed (its `grpc.rs`).
 */
export class Clients {
  /** Appends, deletes and subscribes; these connections are made anew by the client. */
  readonly writer: KurrentDBClient;
  private reader: KurrentDBClient;

  /** @throws Error when the connection string cannot be parsed; nothing is connected before the first call */
  constructor(private readonly connectionString: string) {
    this.writer = this.reader = KurrentDBClient.connectionString(connectionString);
  }

  async read<T>(reading: (reader: KurrentDBClient) => Promise<T>): Promise<T> {
    const { reader } = this;
    try {
      return await reading(reader);
    } catch (error) {
      if (error instanceof UnavailableError && reader === this.reader)
        this.reader = KurrentDBClient.connectionString(this.connectionString);
      throw error;
    }
  }
}
