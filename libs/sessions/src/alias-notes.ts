import { Injectable } from '@nestjs/common';
import type { Causation, RecordedEvent } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { RecentWrites, Turns } from '#read-models';
import { release, reservationDecider } from './reservation.decider.js';
import { sessionDecider, type SessionState } from './session.decider.js';
import { changeAlias } from './session-changes.decider.js';
import type { SessionFact, ValueReserved } from './session.events.js';
import { reservationStream, sessionStream } from './session.events.js';

/** Writes into the streams of sessions what becomes of the aliases that they bear. All of it may be done twice. */
@Injectable()
export class AliasNotes {
  private readonly turns = new Turns();

  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  /** Has the session that took an alias say so, and the one that it was taken from. @returns position of the last event */
  async noteTaken(
    project: string,
    alias: string,
    holder: string,
    causation: Causation,
  ): Promise<bigint | undefined> {
    const stream = reservationStream.alias(project, alias);
    const taken = (await this.taking(stream)) as ValueReserved | undefined;
    const before = taken?.data.holder === holder ? taken.data.previous : undefined;
    const lost = before === undefined ? undefined : await this.noteAlias(before, alias, causation);
    const borne = await this.noteAlias(holder, alias, causation);
    return lost !== undefined && (borne === undefined || lost > borne) ? lost : borne;
  }

  /**
   * Gives an alias back that a session had left at this position, unless it has taken it again since: who
   * reacts to the leaving may come late.
   */
  async releaseLeft(
    project: string,
    alias: string,
    holder: string,
    left: bigint,
    causation: Causation,
  ): Promise<void> {
    const stream = reservationStream.alias(project, alias);
    const taken = await this.taking(stream);
    if (taken === undefined || taken.position > left) return;
    const { state: session } = await this.streams.load(sessionDecider, sessionStream(holder));
    if (session?.alias === alias) return;
    await this.streams.execute(reservationDecider, stream, causation, (now, revision) =>
      revision === taken.revision ? release(now, holder) : [],
    );
  }

  /** Tells a session that the alias of this stream was given back, if it still bears it. */
  async noteReleased(id: string, stream: string, causation: Causation): Promise<void> {
    const { state: session } = await this.streams.load(sessionDecider, sessionStream(id));
    if (session?.alias == null || reservationStream.alias(session.project_id, session.alias) !== stream)
      return;
    await this.noteAlias(id, session.alias, causation);
  }

  /**
   * Writes into a session's own stream whether it bears an alias, as the alias' stream has it.
   * @returns position up to which a read has it, whoever wrote it; undefined when there is no such session
   */
  noteAlias(id: string, alias: string, causation: Causation): Promise<bigint | undefined> {
    // In turn, or one that has read the alias' stream before it moved could write after one that read it later.
    return this.turns.take(alias, async () => {
      const position = await this.noteAsItIs(id, alias, causation);
      this.writes.wrote(id, position);
      return position;
    });
  }

  private async noteAsItIs(id: string, alias: string, causation: Causation): Promise<bigint | undefined> {
    const { state: session, position: known } = await this.streams.load(sessionDecider, sessionStream(id));
    if (session === undefined) return undefined;
    const stream = reservationStream.alias(session.project_id, alias);
    const { state, revision } = await this.streams.load(reservationDecider, stream);
    const bears = state.holder === id;
    if (bears && (await this.bearsNewer(session, alias))) {
      await this.streams.execute(reservationDecider, stream, causation, (now, at) =>
        at === revision ? release(now, id) : [],
      );
      return known;
    }
    let isOld = false as boolean;
    const { position } = await this.streams.execute(
      sessionDecider,
      sessionStream(id),
      causation,
      (now): SessionFact[] => {
        if (now === undefined) return [];
        isOld = now.alias !== session.alias;
        if (bears) return isOld ? [] : changeAlias(now, alias);
        return now.alias === alias ? changeAlias(now, null) : [];
      },
    );
    const { state: later } = await this.streams.load(reservationDecider, stream);
    // Another process may have moved the alias in between, and have noted it before this did.
    if (isOld || later.holder !== state.holder) return this.noteAsItIs(id, alias, causation);
    return position;
  }

  /**
   * Whether the session bears an alias that it took after this one, which whoever took that one gives back: a
   * reaction to the taking of this one that comes in between must not bring it back.
   */
  private async bearsNewer(session: SessionState, alias: string): Promise<boolean> {
    if (session.alias === null || session.alias === alias) return false;
    const [borne, older] = [session.alias, alias].map((value) =>
      reservationStream.alias(session.project_id, value),
    ) as [string, string];
    const { state } = await this.streams.load(reservationDecider, borne);
    if (state.holder !== session.id) return false;
    const [newest, before] = await Promise.all([borne, older].map((stream) => this.taking(stream)));
    return newest !== undefined && before !== undefined && newest.position > before.position;
  }

  /** How a value came to its holder. */
  private taking(stream: string): Promise<RecordedEvent | undefined> {
    return this.streams.findLast(stream, ({ type }) => type === 'ValueReserved');
  }
}
