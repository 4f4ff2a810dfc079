import type { Decider, Role } from '#eventsourcing';
import { RuleViolation } from '#eventsourcing';
import type { ApiKeyCreated, ApiKeyFact } from './api-key.events.js';

/** A key as its stream tells it; undefined when there is none. */
export type ApiKeyState =
  | {
      readonly project_id: string;
      readonly user_id: string;
      readonly role: Role;
      readonly expires_at?: string;
      readonly revoked: boolean;
    }
  | undefined;

export const apiKeyDecider: Decider<ApiKeyState, ApiKeyFact> = {
  initial: undefined,
  evolve: (key, fact) => (fact.type === 'ApiKeyCreated' ? born(fact.data) : key && { ...key, revoked: true }),
};

const born = ({ project_id, user_id, role, expires_at }: ApiKeyCreated['data']): ApiKeyState => ({
  project_id,
  user_id,
  role,
  ...(expires_at !== undefined && { expires_at }),
  revoked: false,
});

/** Makes a key; one that is there already stays as it is. @throws RuleViolation validation_failed */
export function createApiKey(key: ApiKeyState, birth: ApiKeyCreated['data'], now: string): ApiKeyFact[] {
  if (key !== undefined) return [];
  if (birth.expires_at !== undefined && birth.expires_at <= now) {
    const pointer = '/expires_at';
    throw new RuleViolation('validation_failed', 'expires_at must be in the future', { pointer });
  }
  return [{ type: 'ApiKeyCreated', data: birth }];
}

/** Revokes a key for good; a second time changes nothing. @throws RuleViolation not_found */
export function revokeApiKey(key: ApiKeyState, id: string): ApiKeyFact[] {
  if (key === undefined) throw new RuleViolation('not_found', `no API key ${id}`);
  return key.revoked ? [] : [{ type: 'ApiKeyRevoked', data: { api_key_id: id } }];
}
