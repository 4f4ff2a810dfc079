import { Causation, servicePrincipal, type Streams, timeLimit } from '#eventsourcing';
import type { Backoff } from './backoff.js';
import type { Attempt, Claimed, DeliveryQueue, Room } from './delivery-queue.js';
import type { Answer, Poster } from './poster.js';
import { Rest } from './rest.js';
import { signatureOf } from './signature.js';
import { disableWebhook, webhookDecider } from './webhook.decider.js';
import { webhookStream } from './webhook.events.js';
import type { WebhookTargets } from './webhook-targets.js';

const timeoutMs = 10_000;
const sweepEveryMs = 600_000;
const userAgent = 'Runledger/1';
/** Most deliveries under way at once in this process. */
const limits = { total: 128, each: 4, eachFailing: 1 };
/** A destination is given up when, for so many days and attempts, nothing has succeeded. */
const hopeless = { days: 5, failures: 20 };

interface Parts {
  readonly queue: DeliveryQueue;
  readonly targets: WebhookTargets;
  readonly streams: Streams;
  readonly poster: Poster;
  readonly backoff: Backoff;
  readonly log: { error(message: string): void };
}

/**
 * Sends what is due, at least once, to each destination in order of its turn. Destinations share nothing
 * but the limit of the process, of which one that fails can take a single place: none delays another.
 */
export class WebhookSender {
  private readonly stopping = new AbortController();
  private readonly rest = new Rest();
  private readonly busy = new Map<string, number>();
  private readonly underWay = new Set<Promise<void>>();
  private running: Promise<void> | undefined;
  private sweeping: NodeJS.Timeout | undefined;

  constructor(private readonly parts: Parts) {}

  start(): void {
    this.running ??= this.run();
    this.sweeping ??= setInterval(() => {
      this.parts.queue.sweep().catch(this.complain);
    }, sweepEveryMs).unref();
  }

  /** Something is due, or a destination has room again. */
  wake(): void {
    this.rest.end();
  }

  /** Cuts the attempts under way off, and gives their deliveries back. */
  async stop(): Promise<void> {
    clearInterval(this.sweeping);
    this.stopping.abort();
    this.wake();
    await this.running;
    await Promise.all(this.underWay);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      const claimed = await this.claim();
      for (const delivery of claimed) this.begin(delivery);
      if (claimed.length === 0) await this.rest.begin();
    }
  }

  private async claim(): Promise<Claimed[]> {
    const total = limits.total - this.underWay.size;
    if (total === 0) return [];
    const room: Room = { ...limits, total, busy: this.busy };
    return this.parts.queue.claim(room).catch((error: unknown) => {
      this.complain(error);
      return [];
    });
  }

  private begin(delivery: Claimed): void {
    const { webhook_id: webhook } = delivery;
    this.busy.set(webhook, (this.busy.get(webhook) ?? 0) + 1);
    const work = this.deliver(delivery)
      .catch(this.complain)
      .finally(() => {
        const left = (this.busy.get(webhook) ?? 1) - 1;
        if (left === 0) this.busy.delete(webhook);
        else this.busy.set(webhook, left);
        this.underWay.delete(work);
        this.wake();
      });
    this.underWay.add(work);
  }

  private async deliver(delivery: Claimed): Promise<void> {
    const { queue, targets, backoff } = this.parts;
    const attempt = await this.attempt(delivery);
    if (attempt === undefined) {
      await queue.release(delivery);
    } else if (attempt.error === null) {
      await queue.settle(delivery, attempt, 'succeeded');
      await targets.answered(delivery.webhook_id);
    } else {
      const gone = attempt.status_code === 410;
      const retryMs = gone ? undefined : backoff(delivery.tries + 1);
      await queue.settle(delivery, attempt, retryMs === undefined ? 'failed' : { retryMs });
      const { days, failures } = await targets.failed(delivery.webhook_id);
      if (gone) await this.disable(delivery, 'the destination answered 410 Gone');
      else if (days >= hopeless.days && failures >= hopeless.failures) {
        await this.disable(delivery, `no attempt has succeeded for ${hopeless.days} days`);
      }
    }
  }

  /** Undefined when it was cut off because this process stops. */
  private async attempt({ id, url, secrets, body }: Claimed): Promise<Attempt | undefined> {
    const { signal: stopped } = this.stopping;
    const limit = timeLimit(timeoutMs, stopped);
    const start = Date.now();
    const seconds = Math.floor(start / 1_000);
    const headers = {
      'content-type': 'application/json',
      'user-agent': userAgent,
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signatureOf(secrets, id, seconds, body),
    };
    let answer: Answer | undefined;
    let error: string | null = null;
    try {
      answer = await this.parts.poster.post(url, body, headers, limit.signal);
      if (answer.status < 200 || answer.status > 299) error = `the destination answered ${answer.status}`;
    } catch (failure) {
      if (stopped.aborted) return undefined;
      error = limit.signal.aborted ? `no answer within ${timeoutMs / 1_000} s` : reasonOf(failure);
    } finally {
      limit.release();
    }
    return {
      at: new Date(start).toISOString(),
      status_code: answer?.status ?? null,
      duration_ms: Date.now() - start,
      error,
      response_body: answer?.body ?? null,
    };
  }

  private async disable({ webhook_id, project_id }: Claimed, reason: string): Promise<void> {
    const causation = new Causation(servicePrincipal(project_id));
    await this.parts.streams.execute(webhookDecider, webhookStream(webhook_id), causation, (webhook) =>
      disableWebhook(webhook, reason),
    );
  }

  private readonly complain = (error: unknown): void => {
    if (this.stopping.signal.aborted) return;
    this.parts.log.error(`webhooks: ${error instanceof Error ? error.message : String(error)}; trying again`);
  };
}

/** A host with several addresses, none of which lets us in, fails with a code and no words. */
function reasonOf(error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException;
  return message || (code ?? 'no connection');
}
