import { Injectable } from '@nestjs/common';
import { type Causation, EventStore, Streams } from '#eventsourcing';
import { ProblemError, ReadModelClock } from '#http';
import { arrayOf } from '#postgres';
import { Database, inTurn, RecentWrites } from '#read-models';
import { turnOf } from '#retention';
import { type FeedPoint, type ForkedFrom, SharedTranscripts } from '#sessions';
import { lastSaid } from './point-in-transcript.js';
import { forkTranscript, rangesOf, type SharedSummary } from './shared-ranges.decider.js';
import { shareTranscript, type TranscriptFork, transcriptForksDecider } from './transcript-forks.decider.js';
import { type TranscriptShared, transcriptForksStream } from './transcript-forks.events.js';
import { transcriptDecider } from './transcript.decider.js';
import { type SharedRange, transcriptStream } from './transcript.events.js';

/** How long is waited for what runs have said, in milliseconds. */
const patience = 5_000;

/** Lets forks begin with what was said in their source. Nothing that was said is copied. */
@Injectable()
export class ForkedTranscripts extends SharedTranscripts {
  constructor(
    private readonly streams: Streams,
    private readonly store: EventStore,
    private readonly database: Database,
    private readonly clock: ReadModelClock,
    private readonly writes: RecentWrites,
  ) {
    super();
  }

  /** In turn with sweeps, so that no fork begins with what is just being removed. */
  async share(source: string, fork: string, point: FeedPoint, causation: Causation): Promise<ForkedFrom> {
    await this.settled(point);
    const { projectId } = causation.principal;
    return inTurn(this.database.url, turnOf(projectId), () => this.begin(source, fork, point, causation));
  }

  private async begin(
    source: string,
    fork_id: string,
    point: FeedPoint,
    causation: Causation,
  ): Promise<ForkedFrom> {
    const { state } = await this.streams.load(transcriptDecider, transcriptStream(source));
    // What was said since, while others had their turn, may be a summary.
    await this.settled(point);
    const { sequence_number, through_seq } = await this.noted(
      source,
      {
        ...{ fork_id, sequence_number: point.sequence_number },
        through_seq: await lastSaid(this.streams, source, point, state),
      },
      causation,
    );
    const ranges = rangesOf(source, state, through_seq);
    for (const { owner, through_seq: through } of ranges) {
      await this.noted(owner, { fork_id, sequence_number, through_seq: through }, causation);
    }
    const summaries = await this.summaries(ranges);
    const stream = transcriptStream(fork_id);
    const { position } = await this.streams.execute(transcriptDecider, stream, causation, (transcript) =>
      forkTranscript(transcript, source, state, through_seq, summaries),
    );
    this.writes.wrote(stream, position);
    return { session_id: source, sequence_number };
  }

  /** The fork as it was noted first. */
  private async noted(
    owner: string,
    fork: TranscriptShared['data'],
    causation: Causation,
  ): Promise<TranscriptFork> {
    const stream = transcriptForksStream(owner);
    const { state } = await this.streams.execute(transcriptForksDecider, stream, causation, (forks) =>
      shareTranscript(forks, fork),
    );
    return state.get(fork.fork_id) as TranscriptFork;
  }

  private summaries(ranges: readonly SharedRange[]): Promise<SharedSummary[]> {
    return this.database.query<SharedSummary>(
      `SELECT s.seq::double precision AS seq, s.covers::double precision AS covers
       FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS r(owner, after, through)
       JOIN transcripts.segments s ON s.transcript_id = r.owner AND s.seq > r.after AND s.seq <= r.through
       WHERE s.covers IS NOT NULL ORDER BY s.seq`,
      [
        arrayOf(ranges.map(({ owner }) => owner)),
        arrayOf(ranges.map(({ after_seq }) => after_seq)),
        arrayOf(ranges.map(({ through_seq }) => through_seq)),
      ],
    );
  }

  private async settled({ position }: FeedPoint): Promise<void> {
    const reached =
      (await this.clock.reached('transcript_policy', position, patience)) &&
      (await this.clock.reached('transcripts', await this.store.head(), patience));
    if (reached) return;
    throw new ProblemError(
      'projection_lagging',
      'The transcript has not come to what the runs have said by now.',
    );
  }
}
