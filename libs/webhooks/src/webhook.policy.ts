import { Inject, Injectable } from '@nestjs/common';
import type { Fact, RecordedEvent } from '#eventsourcing';
import { Streams } from '#eventsourcing';
import { type Sql, together } from '#read-models';
import type { RunFact } from '#runs';
import { runDecider } from '#runs';
import { runIdOf, sessionIdOf, timelineEvent } from '#timeline';
import { type Candidate, deliveryOf } from './candidate.js';
import { addDeliveries, endPending, forgetWebhooks, horizonOf, moveHorizon } from './outbox.js';
import { matchesFilter, matchesPattern, type Subject } from './subscription.js';
import { webhookStreams } from './webhook.events.js';
import { foldInto, type Hooks, WebhookRows } from './webhook-rows.js';

/**
 * Folds webhooks into a row each, and makes a delivery of every event that one of them wants at that
 * point of the one order of events: a webhook gets what happens after its creation, until it is disabled.
 * Deliveries are made once, in the transaction of the checkpoint; building the rows again makes none.
 */
@Injectable()
export class WebhookPolicy extends WebhookRows {
  override readonly rows = new WebhookRows();
  constructor(@Inject(Streams) private readonly streams: Streams) {
    super();
  }

  override async apply(sql: Sql, events: readonly RecordedEvent[]): Promise<void> {
    const before = await this.stored(sql, events);
    const isNew = events.some(({ stream }) => stream.startsWith(webhookStreams));
    if (before.size === 0 && !isNew) return;
    const horizon = await horizonOf(sql);
    const hooks = new Map(before);
    const candidates: Candidate[] = [];
    const ended = new Set<string>();
    const gone = new Set<string>();
    for (const event of events) {
      const fresh = event.position > horizon;
      if (!event.stream.startsWith(webhookStreams)) {
        if (fresh) candidates.push(...wanted(hooks, event));
        continue;
      }
      const wasEnabled = hooks.get(event.stream.slice(webhookStreams.length))?.enabled === true;
      const id = foldInto(hooks, event);
      if (!hooks.has(id)) gone.add(id);
      if (!fresh || !wasEnabled || hooks.get(id)?.enabled === true) continue;
      ended.add(id);
      for (const candidate of candidates) if (candidate.hook.id === id) candidate.ended = true;
    }
    await this.store(sql, before, hooks);
    await endPending(sql, [...ended]);
    await addDeliveries(sql, await this.deliveries(candidates));
    await forgetWebhooks(sql, [...gone]);
    await moveHorizon(sql, events.at(-1)?.position ?? horizon);
  }

  private async deliveries(candidates: readonly Candidate[]) {
    const found = await together(candidates, async (candidate) => {
      const subject = await this.subject(candidate);
      return matchesFilter(candidate.hook.filter, subject)
        ? deliveryOf(candidate, subject.session_id)
        : undefined;
    });
    return found.filter((delivery) => delivery !== undefined);
  }

  /** What the filter is compared with. Who a run belongs to never changes, so that an old state of it will do. */
  private async subject({ event, hook: { filter }, type }: Candidate): Promise<Subject> {
    const run_id = runIdOf(event.stream);
    if (run_id === undefined) return { type, session_id: sessionIdOf(event.stream) };
    const fact = event as Fact as RunFact;
    const told = fact.data as Omit<Subject, 'type'>;
    if (fact.type === 'RunCreated') return { ...told, type, run_id };
    const ofRun = filter?.source !== undefined || filter?.kind !== undefined;
    if (told.session_id !== undefined && !ofRun) return { type, run_id, session_id: told.session_id };
    const run = await this.streams.glance(runDecider, event.stream);
    return {
      type,
      run_id,
      session_id: run?.session_id ?? undefined,
      source: run?.source ?? undefined,
      kind: run?.kind,
    };
  }
}

/** The webhooks that may want the event, as far as its type and its run tell. */
function wanted(hooks: Hooks, event: RecordedEvent): Candidate[] {
  const found: Candidate[] = [];
  let type: string | undefined;
  for (const hook of hooks.values()) {
    if (!hook.enabled || hook.project_id !== event.metadata.project) continue;
    const runs = hook.filter?.run_id;
    if (runs !== undefined && runs !== runIdOf(event.stream)) continue;
    type ??= timelineEvent(event)?.type;
    if (type === undefined) return [];
    if (matchesPattern(hook.event_patterns, type)) found.push({ hook, event, type, ended: false });
  }
  return found;
}
