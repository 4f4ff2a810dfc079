import type { SupervisedService } from './supervised-service.js';
import { type Frame, Watch } from './sse.js';

/** A stream, as one of its followers asks for it. */
export interface Followed {
  /** With its filter, behind `/v1`. */
  readonly path: string;
  /** Whether nothing will follow that this follower waits for. */
  readonly isLast: (frame: Frame) => boolean;
  /** All that this follower must have been told in the end, by id, read from the JSON feed. */
  readonly selected: () => Promise<Told[]>;
}

export interface Told {
  readonly id: number;
  readonly data: unknown;
}

/** Refusals of a service that is on its way up or down. */
const passing = new Set([500, 502, 503]);

/** A client that comes back with the last id it was given, until it has been told everything. */
export class ResumingFollower {
  readonly told: Told[] = [];
  /** How often it was let in again with the last id it had. */
  resumes = 0;
  private place: string | undefined;
  private watching: Watch | undefined;

  constructor(
    private readonly service: SupervisedService,
    private readonly key: string,
    readonly followed: Followed,
    /** After how many frames it hangs up by itself. */
    private readonly patience: () => number,
  ) {}

  /** Resolves when the last frame has come. @throws Error when it is refused */
  async follow(): Promise<void> {
    while (!(await this.connection()));
  }

  /** Breaks the connection that stands, wherever the client is in what it reads. */
  cut(): void {
    this.watching?.close();
  }

  private async connection(): Promise<boolean> {
    const watch = await this.open();
    if (watch === undefined) return false;
    let left = this.patience();
    for await (const frame of watch) {
      if (frame.id !== undefined) this.place = frame.id;
      if (frame.id !== undefined && frame.event !== 'bookmark') {
        this.told.push({ id: Number(frame.id), data: frame.data });
      }
      if (this.followed.isLast(frame)) return this.close();
      if (--left === 0) break;
    }
    watch.close();
    return false;
  }

  private close(): true {
    this.cut();
    return true;
  }

  private async open(): Promise<Watch | undefined> {
    const { url } = this.service;
    const headers = this.place === undefined ? undefined : { 'last-event-id': this.place };
    try {
      this.watching = await Watch.open(`${url}/v1${this.followed.path}`, this.key, headers);
    } catch {
      await this.service.ready();
      return undefined;
    }
    const { status } = this.watching;
    if (status === 200) {
      if (headers !== undefined) this.resumes++;
      return this.watching;
    }
    if (!passing.has(status))
      throw new Error(`${this.followed.path}: ${status} ${await this.watching.text()}`);
    this.cut();
    await this.service.ready();
    return undefined;
  }
}
