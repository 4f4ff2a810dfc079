import { Injectable } from '@nestjs/common';
import { visible } from '#access';
import type { Causation, Principal } from '#eventsourcing';
import { RuleViolation, Streams } from '#eventsourcing';
import type { Claimant, ReservationState } from './reservation.decider.js';
import { expectMayTake, release, reservationDecider, reserve, take } from './reservation.decider.js';
import { sessionDecider } from './session.decider.js';
import { reservationStream, sessionStream } from './session.events.js';
import { takeName } from './take-name.js';

/** Keeps what must be unique unique: one stream per value, written before the session that bears it. */
@Injectable()
export class Reservations {
  constructor(private readonly streams: Streams) {}

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

  /** Gives a value back, unless another session has it by now. */
  async release(stream: string, holder: string, causation: Causation): Promise<void> {
    await this.streams.execute(reservationDecider, stream, causation, (now) => release(now, holder));
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
