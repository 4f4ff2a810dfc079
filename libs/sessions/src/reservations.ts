import { Injectable } from '@nestjs/common';
import { visible } from '#access';
import type { Causation, Principal, RecordedEvent } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import { RecentWrites, Turns } from '#read-models';
import type { Claimant, ReservationState } from './reservation.decider.js';
import { expectMayTake, release, reservationDecider, reserve, take } from './reservation.decider.js';
import { sessionDecider, type SessionState } from './session.decider.js';
import { changeAlias } from './session-changes.decider.js';
import type { SessionFact, ValueReserved } from './session.events.js';
import { reservationStream, sessionStream } from './session.events.js';
import { takeName } from './take-name.js';

/** Keeps what must be unique unique: one stream per value, written before the session that bears it. */
@Injectable()
export class Reservations {
  private readonly turns = new Turns();

  constructor(
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {}

  /** Reserves the caller's own key of a session; answers whoever has it then. */
  async externalId(
    project: string,
    value: string,
    holder: string,
    user_id: string,
    causation: Causation,
  ): Promise<ReservationState> {
    const stream = reservationStream.externalId(project, value);
    return this.first(stream, { value, holder, user_id }, causation);
  }

  /** Reserves an alias that no session has; answers whoever has it then. @throws RuleViolation alias_taken */
  async alias(
    project: string,
    value: string,
    holder: string,
    user_id: string,
    causation: Causation,
  ): Promise<ReservationState> {
    const stream = reservationStream.alias(project, value);
    const state = await this.first(stream, { value, holder, user_id }, causation);
    expectMayTake(state, value, changerOf(causation.principal));
    return state;
  }

  /** The session that bears an alias; undefined when none does that the caller may change. */
  async aliased(principal: Principal, value: string): Promise<string | undefined> {
    const stream = reservationStream.alias(principal.projectId, value);
    const { holder, user_id } = (await this.streams.load(reservationDecider, stream)).state;
    return holder !== null && changerOf(principal)(user_id ?? '') ? holder : undefined;
  }

  /**
   * For what cannot be taken back once the alias is refused. An earlier attempt at the same command has
   * asked already. @throws RuleViolation alias_taken
   */
  async expectAlias(value: string, { principal, recovering }: Causation): Promise<void> {
    if (recovering) return;
    const stream = reservationStream.alias(principal.projectId, value);
    const { state } = await this.streams.load(reservationDecider, stream);
    expectMayTake(state, value, changerOf(principal));
  }

  /** Reserves a sub-agent's name under its parent. @throws RuleViolation subagent_name_taken */
  async subagent(
    parent: string,
    value: string,
    holder: string,
    user_id: string,
    causation: Causation,
  ): Promise<void> {
    const stream = reservationStream.subagent(parent, value);
    const isThere = async (id: string): Promise<boolean> =>
      (await this.streams.load(sessionDecider, sessionStream(id))).state !== undefined;
    const claimant = { value, holder, user_id };
    if (await takeName(this.streams, stream, claimant, causation, isThere)) return;
    throw new RuleViolation('subagent_name_taken', `a sub-agent named ${value} exists under this session`);
  }

  /** Has an alias name this session, which may still be to come, and no other any more. @throws RuleViolation alias_taken */
  async takeAlias(
    project: string,
    value: string,
    holder: string,
    user_id: string,
    causation: Causation,
  ): Promise<void> {
    const stream = reservationStream.alias(project, value);
    await this.streams.execute(reservationDecider, stream, causation, (now) =>
      take(now, { value, holder, user_id }, changerOf(causation.principal)),
    );
  }

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

  /** Gives a value back, unless another session has it by now. */
  async release(stream: string, holder: string, causation: Causation): Promise<void> {
    await this.streams.execute(reservationDecider, stream, causation, (now) => release(now, holder));
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
   * @returns position of the event that says so, whoever wrote it; undefined when there is none
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
    const { state: session } = await this.streams.load(sessionDecider, sessionStream(id));
    if (session === undefined) return undefined;
    const stream = reservationStream.alias(session.project_id, alias);
    const { state, revision } = await this.streams.load(reservationDecider, stream);
    const bears = state.holder === id;
    if (bears && (await this.bearsNewer(session, alias))) {
      await this.streams.execute(reservationDecider, stream, causation, (now, at) =>
        at === revision ? release(now, id) : [],
      );
      return this.lastNoted(id);
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
    return position ?? this.lastNoted(id);
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

  private async lastNoted(id: string): Promise<bigint | undefined> {
    const isNote = ({ type }: { type: string }): boolean => type === 'SessionAliasChanged';
    return (await this.streams.findLast(sessionStream(id), isNote))?.position;
  }

  /** How a value came to its holder. */
  private taking(stream: string): Promise<RecordedEvent | undefined> {
    return this.streams.findLast(stream, ({ type }) => type === 'ValueReserved');
  }

  private async first(stream: string, claimant: Claimant, causation: Causation): Promise<ReservationState> {
    const { state } = await this.streams.execute(reservationDecider, stream, causation, (now) =>
      reserve(now, claimant),
    );
    return state;
  }
}

/** Whether a caller may change what belongs to a user of its project. */
const changerOf =
  (principal: Principal) =>
  (user_id: string): boolean =>
    visible(principal, { project_id: principal.projectId, user_id });
