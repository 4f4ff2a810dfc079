import { Injectable } from '@nestjs/common';
import { type Principal, Streams } from '#eventsourcing';
import { apiKeyDecider } from './api-key.decider.js';
import { apiKeyStream } from './api-key.events.js';
import { bootstrapPrincipal } from './bootstrap-principal.js';

/** Tells what a principal may do by now, where something that it asked for earlier is to take effect. */
@Injectable()
export class Authority {
  constructor(private readonly streams: Streams) {}

  /**
   * The principal as its key's own stream has it; undefined when the key is unknown, revoked or expired.
   * @param now milliseconds since 1970
   */
  async principal(id: string, now: number): Promise<Principal | undefined> {
    if (id === bootstrapPrincipal.principalId) return bootstrapPrincipal;
    const { state: key } = await this.streams.load(apiKeyDecider, apiKeyStream(id));
    if (key === undefined || key.revoked) return undefined;
    if (key.expires_at !== undefined && Date.parse(key.expires_at) <= now) return undefined;
    return { principalId: id, projectId: key.project_id, userId: key.user_id, role: key.role };
  }
}
