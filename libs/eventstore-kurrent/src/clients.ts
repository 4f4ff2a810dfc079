import {
  type AppendResult,
  type AppendToStreamOptions,
  type EventData,
  KurrentDBClient,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@kurrent/kurrentdb-client';
import { mapped } from './errors.js';
import { ofLeader } from './events.js';

/** A revision that no stream has. */
const beyond = 2n ** 62n;

/** What a node answers to an append that knows of no leader (Streams.BatchAppend.cs). */
const leaderless = 'Server Is Not Ready';

/**
 * The client, and another one in its place for reading once its native reader has found no server: that reader
 * asks a leader that has died for ever, and none at all when its first connection has failed (its `grpc.rs`).
 */
export class Clients {
  /** Deletes, subscribes, and appends here; these connections are made anew by the client. */
  readonly writer: KurrentDBClient;
  private reader: KurrentDBClient;

  /** @throws Error when the connection string cannot be parsed; nothing is connected before the first call */
  constructor(private readonly connectionString: string) {
    this.writer = this.reader = KurrentDBClient.connectionString(connectionString);
  }

  /**
   * Brings the writer to the leader, by a deletion that is refused. A subscription does not do it: a node that has
   * nothing behind its start lets it wait there for what comes, and asks only before it reads whether it leads
   * (Enumerator.AllSubscriptionFiltered.cs, Enumerator.StreamSubscription.cs, both from 24.2 on). @throws StoreUnavailable
   */
  async toLeader(): Promise<void> {
    try {
      await this.writer.deleteStream('nothing', { expectedRevision: beyond, ...ofLeader });
    } catch (error) {
      if (!(error instanceof WrongExpectedVersionError)) throw mapped(error);
    }
  }

  /**
   * Appends through the writer. A node that is cut off from its cluster refuses each append over a call that lives on,
   * and the client stays there; it looks for another node when a call fails, as a deletion does.
   */
  async append(stream: string, events: EventData[], options: AppendToStreamOptions): Promise<AppendResult> {
    try {
      return await this.writer.appendToStream(stream, events, options);
    } catch (error) {
      if (error instanceof UnknownError && error.message.endsWith(leaderless))
        await this.toLeader().catch(() => undefined);
      throw error;
    }
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
