import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { byService, EventStore, fold, Streams } from '#eventsourcing';
import { inputStreamOf } from './process-input.events.js';
import { makeKey, processKeyDecider } from './process-key.decider.js';
import { type KeyUse, processKeyStream } from './process-key.events.js';

/**
 * Keeps secrets out of what is stored for good: they are sealed with a key that stands in a stream of its
 * own, and are lost with that.
 */
@Injectable()
export class ProcessKeys {
  constructor(
    private readonly streams: Streams,
    private readonly store: EventStore,
  ) {}

  /**
   * The key, made when there is none. The command that needs it must not be what makes it: done again, it
   * would make the same event of another key. @throws StoreUnavailable
   */
  async ensured(use: KeyUse, processId: string, project: string): Promise<Buffer> {
    const random = randomBytes(32);
    const stream = processKeyStream(use, processId);
    const { state } = await this.streams.execute(processKeyDecider, stream, byService(project), (key) =>
      makeKey(key, random),
    );
    return keyIn(state as string);
  }

  /** The key as the store has it now; undefined once it was destroyed. @throws StoreUnavailable */
  async of(use: KeyUse, processId: string): Promise<Buffer | undefined> {
    const events = [];
    for await (const event of this.streams.read(processKeyStream(use, processId))) events.push(event);
    const key = fold(processKeyDecider, events);
    return key === undefined ? undefined : keyIn(key);
  }

  /** Makes unreadable for good what was sealed with the key. @throws StoreUnavailable */
  destroy(use: KeyUse, processId: string): Promise<void> {
    return this.remove(processKeyStream(use, processId));
  }

  /** Takes away for good what a process that is over was given, and what could read it. @throws StoreUnavailable */
  async forget(processId: string): Promise<void> {
    await Promise.all([
      this.destroy('env', processId),
      this.destroy('input', processId),
      this.remove(inputStreamOf(processId)),
    ]);
  }

  /** Most processes are given nothing, and to look is cheaper than to delete. */
  private async remove(stream: string): Promise<void> {
    for await (const _ of this.store.readStream(stream, { limit: 1 })) await this.store.delete(stream);
  }
}

const keyIn = (state: string): Buffer => Buffer.from(state, 'base64');
