import { Injectable } from '@nestjs/common';
import { type Fact, Streams } from '#eventsourcing';
import type { AsOf } from '#http';
import { Database, RecentWrites } from '#read-models';
import { type RunFact, toldProcess } from '#runs';
import {
  counted,
  countedAnew,
  noFigures,
  type Session,
  sessionDecider,
  type SessionFact,
  type SessionFigures,
  SessionPast,
  type SessionState,
} from '#sessions';
import { SessionFeed } from './session-feed.js';
import { sessionIdOf } from './timeline-event.js';

/** Folds a session and what its runs tell of it, up to a moment. */
@Injectable()
export class PastOfSession extends SessionPast {
  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
    private readonly writes: RecentWrites,
  ) {
    super();
  }

  async at(id: string, had: AsOf): Promise<{ session: SessionState; figures: SessionFigures } | undefined> {
    await this.writes.settled('timeline', id);
    let session: Session;
    let figures = noFigures;
    for await (const { place, event } of new SessionFeed(this.database, this.streams, id).events(0, 'asc')) {
      if (!had(place, event.metadata.at)) break;
      if (sessionIdOf(event.stream) === id) {
        const fact = event as Fact as SessionFact;
        session = sessionDecider.evolve(session, fact, event);
        figures = countedAnew(figures, fact);
      } else {
        const fact = event as Fact as RunFact;
        figures = counted(figures, fact, event);
        if (fact.type !== 'RunEventRecorded') continue;
        figures = { ...figures, process_counts: toldProcess(figures.process_counts, fact) };
      }
    }
    return session && { session, figures };
  }
}
