import type { AllStreamSubscription, Position, StreamSubscription } from '@kurrent/kurrentdb-client';
import { StoreUnavailable } from '#eventsourcing';
import type { Resolved } from './events.js';

export type Subscription = AllStreamSubscription | StreamSubscription;

/** What stands between the events of a subscription. */
export class Mark {
  constructor(
    readonly kind: 'checkpoint' | 'caughtUp' | 'fellBehind',
    readonly position?: Position,
  ) {}
}

export type Arrival = Resolved | Mark;

/**
 * Takes what a subscription has received, marks in their place among the events. The client tells
 * marks by callbacks, ahead of events that still wait in its buffer: each is put into that buffer.
 */
export class Arrivals {
  private ended = false;
  private failure: Error = new StoreUnavailable('the server has closed the subscription');
  private wake: () => void = () => undefined;

  constructor(
    private readonly subscription: Subscription,
    private readonly signal: AbortSignal,
  ) {
    subscription.on('caughtUp', () => subscription.push(new Mark('caughtUp')));
    subscription.on('fellBehind', () => subscription.push(new Mark('fellBehind')));
    subscription.on('readable', this.stir);
    subscription.on('error', (error: Error) => {
      this.failure = error;
      this.end();
    });
    subscription.on('end', this.end);
    subscription.on('close', this.end);
    signal.addEventListener('abort', this.stir);
  }

  /** The next arrival that is there already. */
  take(): Arrival | undefined {
    return (this.subscription.read() as Arrival | null) ?? undefined;
  }

  get isEmpty(): boolean {
    return this.subscription.readableLength === 0;
  }

  /** Waits until there is an arrival, or so many milliseconds. */
  async within(milliseconds: number): Promise<void> {
    if (!this.isEmpty || this.ended || this.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Waits for the next arrival; undefined when the signal is aborted. @throws what broke the subscription */
  async next(): Promise<Arrival | undefined> {
    while (!this.signal.aborted) {
      const arrival = this.take();
      if (arrival !== undefined) return arrival;
      if (this.ended) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    return undefined;
  }

  async close(): Promise<void> {
    this.signal.removeEventListener('abort', this.stir);
    // A call that could not be made, or that has broken, has nothing left to cancel.
    await this.subscription.unsubscribe().catch(() => undefined);
    this.subscription.destroy();
  }

  private readonly stir = (): void => {
    this.wake();
  };

  private readonly end = (): void => {
    this.ended = true;
    this.wake();
  };
}
