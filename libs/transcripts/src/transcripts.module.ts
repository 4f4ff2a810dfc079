import { Global, Module } from '@nestjs/common';
import { SharedTranscripts } from '#sessions';
import { AppendTranscriptHandler } from './append-transcript.js';
import { CompactTranscriptHandler } from './compact-transcript.js';
import { ForkedTranscripts } from './forked-transcripts.js';
import { ListTranscriptHandler } from './list-transcript.js';
import { RedactSegmentHandler } from './redact-segment.js';
import { RetainedTranscripts } from './retained-transcripts.js';
import { SegmentRetentions } from './segment-retentions.js';
import { RunSnapshot } from './run-snapshot.js';
import { RunTranscriptController } from './run-transcript.controller.js';
import { SessionTranscriptController } from './session-transcript.controller.js';
import { TranscriptPolicy } from './transcript.policy.js';
import { Transcripts } from './transcripts.js';
import { TranscriptSeeds } from './transcript-seeds.js';

/** Global, because sessions ask for what was said through a port that this module binds. */
@Global()
@Module({
  controllers: [RunTranscriptController, SessionTranscriptController],
  providers: [
    AppendTranscriptHandler,
    CompactTranscriptHandler,
    ListTranscriptHandler,
    RedactSegmentHandler,
    RetainedTranscripts,
    SegmentRetentions,
    RunSnapshot,
    TranscriptPolicy,
    Transcripts,
    TranscriptSeeds,
    { provide: SharedTranscripts, useClass: ForkedTranscripts },
  ],
  exports: [SharedTranscripts, RetainedTranscripts, SegmentRetentions, TranscriptPolicy, TranscriptSeeds],
})
export class TranscriptsModule {}
