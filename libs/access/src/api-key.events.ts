import type { Fact, Role } from '#eventsourcing';

/** The key itself is in no event: only its SHA-256, in hexadecimal, and the first characters that a person knows it by. */
export type ApiKeyCreated = Fact<
  'ApiKeyCreated',
  {
    readonly api_key_id: string;
    readonly name: string;
    readonly project_id: string;
    readonly role: Role;
    readonly user_id: string;
    readonly hash: string;
    readonly prefix: string;
    /** RFC 3339 UTC; a key without it does not expire. */
    readonly expires_at?: string;
  }
>;
export type ApiKeyRevoked = Fact<'ApiKeyRevoked', { readonly api_key_id: string }>;

/** The facts of a stream `apiKey-<id>`. */
export type ApiKeyFact = ApiKeyCreated | ApiKeyRevoked;

export const apiKeyStreams = 'apiKey-';
export const apiKeyStream = (id: string): string => `${apiKeyStreams}${id}`;
