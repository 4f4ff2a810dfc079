import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { byService, EventStore, Streams } from '#eventsourcing';
import {
  beginSeeds,
  giveUp,
  giveUpThrough,
  type Seeds,
  transcriptSeedsDecider,
} from './transcript-seeds.decider.js';
import { type TranscriptSeedsReplaced, transcriptSeedsStream } from './transcript-seeds.events.js';

/** Keeps what the keys of segments are derived from, and loses it. */
@Injectable()
export class TranscriptSeeds {
  constructor(
    private readonly streams: Streams,
    private readonly store: EventStore,
  ) {}

  /** The seeds of a transcript as the store has them; empty before its first segment. @throws StoreUnavailable */
  async of(id: string): Promise<Seeds> {
    return (await this.streams.load(transcriptSeedsDecider, transcriptSeedsStream(id))).state;
  }

  /**
   * The same, made when there are none. The command that needs them must not be what makes them: done
   * again, it would make the same event of other seeds. @throws StoreUnavailable
   */
  async ensured(id: string, project: string): Promise<Seeds> {
    const known = await this.of(id);
    if (known.size > 0) return known;
    const root = randomBytes(32);
    const stream = transcriptSeedsStream(id);
    const { state } = await this.streams.execute(
      transcriptSeedsDecider,
      stream,
      byService(project),
      (seeds) => beginSeeds(seeds, root),
    );
    return state;
  }

  /** Makes some segments unreadable for good; done again, it does nothing. @throws StoreUnavailable */
  destroy(id: string, project: string, seqs: readonly number[]): Promise<void> {
    return this.replace(id, project, (seeds) => giveUp(seeds, seqs));
  }

  /** The same for all segments up to one. @throws StoreUnavailable */
  destroyThrough(id: string, project: string, through: number): Promise<void> {
    return this.replace(id, project, (seeds) => giveUpThrough(seeds, through));
  }

  private async replace(
    id: string,
    project: string,
    decide: (seeds: Seeds) => TranscriptSeedsReplaced[],
  ): Promise<void> {
    const stream = transcriptSeedsStream(id);
    const { revision } = await this.streams.execute(
      transcriptSeedsDecider,
      stream,
      byService(project),
      decide,
    );
    await this.store.truncateBefore(stream, revision);
  }
}
