/** The state that a stream had behind one of its events. */
export interface Snapshot {
  /** Of the fold that made it; another fold has no use for it. */
  readonly version: number;
  /** Of that event. */
  readonly revision: number;
  /** Of that event: a stream of the same name that has another one there has another history. */
  readonly eventId: string;
  /** As JSON can hold it. */
  readonly state: unknown;
}

/**
 * Where the states of long streams are kept, so that who meets one again need not read all of it. They are copies
 * of what the events say: each may be lost, or late, and none is believed without the event it stands behind.
 * These keep nothing.
 */
export class Snapshots {
  /** @returns undefined when there is none, or none to be had now */
  load(_stream: string, _version: number): Promise<Snapshot | undefined> {
    return Promise.resolve(undefined);
  }

  /** Keeps it soon, in the place of an older one; @param take is called then */
  keep(_stream: string, _take: () => Snapshot): void {
    return;
  }
}
