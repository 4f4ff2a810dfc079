import { Injectable } from '@nestjs/common';
import { byService } from '#eventsourcing';
import { Database, inTurn } from '#read-models';
import { holdsOn, type LegalHolds } from './legal-hold.decider.js';
import { RetainedContents, type RetainedContent } from './retained-content.js';
import { RetentionRules } from './retention-rules.js';
import { isShared } from './sharers.js';
import type { RemovalRecord, SweepBatch } from './sweep.events.js';
import { turnOf } from './turn.js';

/** Few at once: appends come first. */
const together = 4;

export interface Removed {
  /** Ids of what was not removed after all. */
  readonly kept: readonly string[];
  /** Position of the last event. */
  readonly position: bigint;
}

/** Removes what a batch says, unless something has come in between; done again it goes on where it was. */
@Injectable()
export class BatchRemoval {
  constructor(
    private readonly database: Database,
    private readonly rules: RetentionRules,
    private readonly contents: RetainedContents,
  ) {}

  /** @param archive name of the manifest, of content that was archived */
  async remove(project: string, operation_id: string, batch: SweepBatch, archive?: string): Promise<Removed> {
    const { kind, scope, removals } = batch;
    const content = this.contents.of(kind);
    if (content === undefined) return { kept: removals.map(({ id }) => id), position: 0n };
    return inTurn(this.database.url, turnOf(project), async () => {
      const kept = await this.kept(project, batch, content);
      const left = removals.filter(({ id }) => !kept.has(id));
      const cause = { operation_id, scope, ...(archive !== undefined && { archive }) };
      const position = await content.remove(left, cause, byService(project));
      return { kept: [...kept], position };
    });
  }

  private async kept(project: string, batch: SweepBatch, content: RetainedContent): Promise<Set<string>> {
    const holds = await this.rules.holds(project);
    const applies = this.applying(project, batch);
    const kept = new Set<string>();
    const left = batch.removals.values();
    const worker = async (): Promise<void> => {
      for (const removal of left) {
        if (!(await mayGo(removal, content, holds, applies))) kept.add(removal.id);
      }
    };
    await Promise.all(Array.from({ length: together }, worker));
    return kept;
  }

  /** Tells for a session, asked once each, whether the rule of the batch is still the one for it. */
  private applying(project: string, { kind, scope, limits }: SweepBatch) {
    const asked = new Map<string | null, Promise<boolean>>();
    const ask = async (session: string | null): Promise<boolean> => {
      const rule = await this.rules.nearest(project, session, kind);
      return rule?.scope === scope && JSON.stringify(rule.limits) === JSON.stringify(limits);
    };
    return (session: string | null): Promise<boolean> => {
      const known = asked.get(session) ?? ask(session);
      asked.set(session, known);
      return known;
    };
  }
}

async function mayGo(
  removal: RemovalRecord,
  content: RetainedContent,
  holds: LegalHolds,
  applies: (session: string | null) => Promise<boolean>,
): Promise<boolean> {
  if (await content.isRemoved(removal)) return true;
  const { over, sharers = [], ...owners } = await content.belongsTo(removal);
  if (!over || isShared(sharers, holds) || holdsOn(holds, owners).length > 0) return false;
  return applies(owners.session_id);
}
