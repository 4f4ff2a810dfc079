import { Inject, Injectable } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { reactionTo } from '#eventsourcing';
import type { Sql } from '#read-models';
import { Projection } from '#read-models';
import { AliasNotes } from './alias-notes.js';
import { Reservations } from './reservations.js';
import type { ReservationFact, SessionFact } from './session.events.js';
import { reservationStream } from './session.events.js';

/**
 * Finishes what a writer that died left half done between an alias, or a sub-agent's name, and the
 * sessions that bear it. Everything in it may be done twice.
 */
@Injectable()
export class SessionPolicy extends Projection {
  readonly name = 'session_policy';
  readonly version = 1;
  readonly prefixes = ['sessionAlias-', 'session-'];
  readonly tables = '';
  readonly indexes = '';

  constructor(
    @Inject(Reservations) private readonly reservations: Reservations,
    @Inject(AliasNotes) private readonly aliases: AliasNotes,
  ) {
    super();
  }

  async apply(_sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    for (const event of events) await this.react(event);
  }

  private async react(event: RecordedEvent): Promise<void> {
    const fact = event as Fact as ReservationFact | SessionFact;
    if (fact.type === 'ValueReserved') {
      const { value, holder, previous } = fact.data;
      for (const id of previous === undefined ? [holder] : [previous, holder]) {
        await this.aliases.noteAlias(id, value, reactionTo(event));
      }
    }
    if (fact.type === 'ValueReleased') {
      await this.aliases.noteReleased(fact.data.holder, event.stream, reactionTo(event));
    }
    if (fact.type === 'SessionDeleted') await this.release(fact.data, event);
    if (fact.type === 'SessionAliasChanged' && fact.data.previous !== undefined) {
      const { position, metadata } = event;
      const { previous } = fact.data;
      await this.aliases.releaseLeft(metadata.project, previous, idOf(event), position, reactionTo(event));
    }
  }

  private async release(
    { alias, subagent }: { alias?: string; subagent?: { parent: string; name: string } },
    event: RecordedEvent,
  ): Promise<void> {
    const id = idOf(event);
    const streams = [
      ...(alias === undefined ? [] : [reservationStream.alias(event.metadata.project, alias)]),
      ...(subagent === undefined ? [] : [reservationStream.subagent(subagent.parent, subagent.name)]),
    ];
    for (const stream of streams) await this.reservations.release(stream, id, reactionTo(event));
  }
}

const idOf = ({ stream }: RecordedEvent): string => stream.slice('session-'.length);
