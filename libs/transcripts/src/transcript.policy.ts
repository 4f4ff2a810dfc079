import { Inject, Injectable } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import type { RunCompleted, RunFact } from '#runs';
import { RunSnapshot } from './run-snapshot.js';
import type { SegmentRedacted, TranscriptFact } from './transcript.events.js';
import { transcriptStream } from './transcript.events.js';
import { TranscriptSeeds } from './transcript-seeds.js';

const transcripts = transcriptStream('');

/** Revision of the completion of a run that was created and started, and in which nothing was said. */
const untold = 2;

/**
 * Takes what was said in a run into a transcript once the run has completed, and sees to it that what was
 * redacted is unreadable, should the process that was told to redact it have died. Everything in it may be
 * done twice.
 */
@Injectable()
export class TranscriptPolicy extends Projection {
  readonly name = 'transcript_policy';
  readonly version = 1;
  readonly prefixes = ['run-', transcripts];
  readonly tables = '';
  readonly indexes = '';

  constructor(
    @Inject(RunSnapshot) private readonly snapshot: RunSnapshot,
    @Inject(TranscriptSeeds) private readonly seeds: TranscriptSeeds,
  ) {
    super();
  }

  async apply(_sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const redacted = new Map<string, RecordedEvent<SegmentRedacted>[]>();
    for (const event of events) {
      const fact = event as Fact as RunFact | TranscriptFact;
      if (fact.type === 'RunCompleted' && event.revision > untold)
        await this.snapshot.write(event as RecordedEvent<RunCompleted>);
      if (fact.type !== 'SegmentRedacted') continue;
      const redaction = event as RecordedEvent<SegmentRedacted>;
      redacted.set(event.stream, [...(redacted.get(event.stream) ?? []), redaction]);
    }
    for (const redactions of redacted.values()) await this.destroy(redactions);
  }

  private async destroy(redactions: readonly RecordedEvent<SegmentRedacted>[]): Promise<void> {
    const [first] = redactions;
    if (first === undefined) return;
    const id = first.stream.slice(transcripts.length);
    await this.seeds.destroy(
      id,
      first.metadata.project,
      redactions.map(({ data }) => data.seq),
    );
  }
}
