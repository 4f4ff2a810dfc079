import { Injectable } from '@nestjs/common';
import { LiveEvents, Streams } from '#eventsourcing';
import {
  type EventStream,
  EventStreams,
  FeedFollower,
  frame,
  type Piece,
  placeOf,
  refusePages,
  type RequestContext,
} from '#http';
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
  async follow(id: string, query: OutputQuery, ctx: RequestContext): Promise<void> {
    refusePages(query);
    const { stream = 'stdout', offset } = query;
    const known = await findProcess(this.streams, ctx.principal, id);
    const feed = new OutputFeed(this.streams, id, stream);
    const from = placeOf(offset, ctx) ?? 0;
    refuseGone(known, stream, from);
    let follower: OutputFollower | undefined;
    const now = async (): Promise<ProcessState> =>
      (await this.streams.load(processDecider, processStream(id))).state ?? known;
    const close = async (): Promise<void> => {
      const process = await now();
      if (hasEnded(process)) follower?.closeWith(process);
    };
    // What is purged while it is sent would be missed silently: the client that comes back is told.
    const purged = async (): Promise<boolean> => known.purged === null && (await now()).purged !== null;
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
        follower = new OutputFollower(answer, feed, from, purged);
        close().catch(() => follower?.cut());
        return follower;
      },
      stop,
    );
  }
}

/**
 * How much is held for a client that is behind what is being stored, in characters of base64. One commit, which
 * is told at once, has up to 8 MiB: less would send every client to the table for the rest of it.
 */
const mostHeard = 12 * 1024 * 1024;
/** How much is written at once, in characters of base64: some pieces of output, for each costs a turn of its own. */
const atOnce = 512 * 1024;

class OutputFollower extends FeedFollower<OutputPiece> {
  private process: ProcessState | undefined;

  /** @param purged whether there may be less now than there was at the start */
  constructor(
    stream: EventStream,
    output: OutputFeed,
    from: number,
    private readonly purged: () => Promise<boolean>,
  ) {
    super(stream, output, () => true, from, false, mostHeard, atOnce);
  }

  /** The process has ended: what is left is sent, and then how it ended. */
  closeWith(process: ProcessState): void {
    this.process = process;
    this.close();
  }

  cut(): void {
    this.stream.cut();
  }

  protected override async next(): Promise<Piece> {
    const piece = await super.next();
    if (piece.end && (await this.purged())) this.cut();
    return piece;
  }

  /** Base64 and digits: of each character one byte. */
  protected override write(frames: string): void {
    this.stream.write(frames, 'latin1');
  }

  protected override finish(): void {
    if (this.process !== undefined) this.stream.write(frame('end', processResource(this.process)));
    this.stream.end();
  }
}
