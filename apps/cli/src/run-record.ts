import { randomUUID } from 'node:crypto';
import type { Api } from './api.js';
import type { Ending } from './child.js';
import { type LogEntry, LogShipper } from './log-shipper.js';
import { keepLease, leaseToAsk } from './lease.js';
import { withRetries } from './retry.js';

export interface RecordOptions {
  readonly sessionId?: string;
  readonly taskId?: string;
  readonly source: string;
  /** How long one outage may last, in milliseconds. */
  readonly giveUpAfter: number;
}

/** One run being recorded: its log in batches that a retry never doubles, and its end. */
export class RunRecord {
  private readonly stop = new AbortController();
  private readonly producer = randomUUID();
  private readonly shipper: LogShipper;
  private announced = false;
  private cancelled = false;
  private release = (): void => undefined;

  private constructor(
    private readonly api: Api,
    readonly id: string,
    private readonly leaseId: string | undefined,
    private readonly giveUpAfter: number,
    private readonly say: (message: string) => void,
  ) {
    this.shipper = new LogShipper({ send: (entries, sequence) => this.send(entries, sequence) });
  }

  /** Creates the run, running from the start, without retries. @throws CliError */
  static async start(
    api: Api,
    command: string,
    args: readonly string[],
    options: RecordOptions,
    say: (message: string) => void,
  ): Promise<RunRecord> {
    const { source, sessionId, taskId } = options;
    const body = {
      kind: 'job',
      source,
      status: 'running',
      max_attempts: 1,
      ...(await leaseToAsk(api, options.giveUpAfter)),
      input: { command, args, cwd: process.cwd() },
      ...(sessionId !== undefined && { session_id: sessionId }),
      ...(taskId !== undefined && { task_id: taskId }),
    };
    const made = await api.call<{ id: string; lease_id?: string }>('POST', '/v1/runs', { body });
    return new RunRecord(api, made.id, made.lease_id, options.giveUpAfter, say);
  }

  /** Holds the run's lease until its end is sent. @param onLost called when somebody else has ended the run */
  hold(onLost: (status: string) => void): void {
    if (this.leaseId === undefined) return;
    this.release = keepLease(this.api, { id: this.id, lease_id: this.leaseId }, (status) => {
      this.cancelled = status === 'cancelled';
      onLost(status);
    });
  }

  /** Resolves when there is room for more. */
  log(entries: readonly LogEntry[]): Promise<void> {
    return this.shipper.add(entries);
  }

  /** Stores what is left of the log, then the end of the run, even when the log could not be stored. @throws CliError */
  async finish(ending: Ending): Promise<void> {
    const body = ending.error ? { status: 'failed', error: ending.error } : { status: 'completed' };
    const log = await Promise.allSettled([this.shipper.finish()]);
    this.release();
    if (!this.cancelled) await this.retrying(() => this.api.call('PATCH', `/v1/runs/${this.id}`, { body }));
    if (log[0].status === 'rejected') throw log[0].reason;
  }

  /** From now on the first failure is final. */
  stopRetrying(): void {
    this.stop.abort();
  }

  private async send(entries: readonly LogEntry[], sequence: number): Promise<void> {
    const headers = {
      'producer-id': this.producer,
      'producer-epoch': '0',
      'producer-seq': String(sequence),
    };
    await this.retrying(() =>
      this.api.call('POST', `/v1/runs/${this.id}/logs`, { body: { entries }, headers }),
    );
  }

  private retrying<T>(call: () => Promise<T>): Promise<T> {
    return withRetries(call, {
      giveUpAfter: this.giveUpAfter,
      signal: this.stop.signal,
      onFailure: (error) => {
        if (this.announced) return;
        this.announced = true;
        this.say(`runledger: ${error.message}; trying again, the log is kept until then`);
      },
    });
  }
}
