import { Injectable } from '@nestjs/common';
import { LiveEvents, Streams } from '#eventsourcing';
import { EventStreams, FeedFollower, frame, placeOf, type RequestContext } from '#http';
import { findProcess } from './find-process.js';
import { type OutputPiece, OutputFeed } from './output-feed.js';
import type { OutputQuery } from './process.bodies.js';
import { hasEnded, processDecider, type ProcessState } from './process.decider.js';
import { processStream } from './process.events.js';
import { processResource } from './process.resource.js';
import { refuseGone } from './read-output.js';

/** Answers with one stream of output as Server-Sent Events, until the process has ended and all is sent. */
@Injectable()
export class FollowOutput {
  constructor(
    private readonly streams: Streams,
    private readonly events: LiveEvents,
    private readonly open: EventStreams,
  ) {}

  /** @throws RuleViolation not_found; ProblemError gone, validation_failed; StoreUnavailable */
  async follow(id: string, { stream = 'stdout', offset }: OutputQuery, ctx: RequestContext): Promise<void> {
    await findProcess(this.streams, ctx.principal, id);
    const feed = new OutputFeed(this.streams, id, stream);
    const from = placeOf(offset, ctx) ?? 0;
    await refuseGone(feed, from);
    let follower: OutputFollower | undefined;
    const close = async (): Promise<void> => {
      const { state } = await this.streams.load(processDecider, processStream(id));
      if (state !== undefined && hasEnded(state)) follower?.closeWith(state);
    };
    const stops = [
      await this.events.follow(feed.source, (events) => {
        for (const event of events) {
          const placed = feed.placed(event);
          if (placed?.event === undefined) continue;
          // A piece that begins before the client does is cut where it is read.
          if (placed.event.offset < from) follower?.wake();
          else follower?.live([placed], placed.event.offset);
        }
      }),
      await this.events.follow(processStream(id), () => {
        close().catch(() => follower?.cut());
      }),
    ];
    const stop = (): void => {
      for (const one of stops) one();
    };
    await this.open.serve(
      ctx,
      (answer) => {
        follower = new OutputFollower(answer, feed, () => true, from);
        close().catch(() => follower?.cut());
        return follower;
      },
      stop,
    );
  }
}

class OutputFollower extends FeedFollower<OutputPiece> {
  private process: ProcessState | undefined;

  /** The process has ended: what is left is sent, and then how it ended. */
  closeWith(process: ProcessState): void {
    this.process = process;
    this.close();
  }

  cut(): void {
    this.stream.cut();
  }

  protected override finish(): void {
    if (this.process !== undefined) this.stream.write(frame('end', processResource(this.process)));
    this.stream.end();
  }
}
