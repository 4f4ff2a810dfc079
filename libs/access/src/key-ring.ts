import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { inTime, type Principal } from '#eventsourcing';
import { Database } from '#read-models';
import { Authority } from './authority.js';
import { bootstrapPrincipal } from './bootstrap-principal.js';
import { hashOf, looksMinted, sameHash } from './secret.js';

/** The setting: the key of the first admin. */
export const bootstrapKeyToken = Symbol('bootstrap key');

/** How long an answer is believed, in milliseconds: a key that another process revoked lives no longer than that. */
const believed = 500;

interface Entry {
  readonly principal: Principal | undefined;
  /** Milliseconds since 1970. */
  readonly until: number;
}

interface KeyRow {
  readonly id: string;
  readonly expires_at: string | null;
}

/** Tells whose a key is. Nothing but hashes of keys is kept, here as anywhere. */
@Injectable()
export class KeyRing {
  private readonly known = new LRUCache<string, Entry>({ max: 20_000 });
  /** Apart from the others, so that a flood of made-up keys displaces no real one. */
  private readonly unknown = new LRUCache<string, Entry>({ max: 2_000 });
  private readonly asking = new Map<string, Promise<Principal | undefined>>();
  private readonly bootstrapHash: string;

  constructor(
    private readonly database: Database,
    private readonly authority: Authority,
    @Inject(bootstrapKeyToken) bootstrapKey: string,
  ) {
    this.bootstrapHash = hashOf(bootstrapKey);
  }

  /** Whose key it is; undefined when it is unknown, revoked or expired. A promise only when the database must be asked. */
  whose(key: string): Principal | undefined | Promise<Principal | undefined> {
    const hash = hashOf(key);
    const entry = this.known.get(hash) ?? this.unknown.get(hash);
    if (entry !== undefined && entry.until > Date.now()) return entry.principal;
    if (sameHash(hash, this.bootstrapHash)) return this.believe(hash, bootstrapPrincipal);
    return looksMinted(key) ? this.ask(hash) : undefined;
  }

  /** Requests that come with one key at one moment share one query. @throws StoreUnavailable after 5 s */
  private ask(hash: string): Promise<Principal | undefined> {
    const asked = this.asking.get(hash);
    if (asked !== undefined) return asked;
    const answer = inTime(this.look(hash), 'the database does not answer').finally(() =>
      this.asking.delete(hash),
    );
    this.asking.set(hash, answer);
    return answer;
  }

  /** Which key it is the read model knows, and whether it was revoked its stream: a read model may be behind. */
  private async look(hash: string): Promise<Principal | undefined> {
    const [row] = await this.database.prepared<KeyRow>(
      'api-key',
      'SELECT id, expires_at FROM access.api_keys WHERE hash = $1 AND revoked_at IS NULL',
      [hash],
    );
    if (row === undefined) return this.believe(hash, undefined);
    const expires = row.expires_at === null ? Infinity : Date.parse(row.expires_at);
    return this.believe(hash, await this.authority.principal(row.id, Date.now()), expires);
  }

  private believe(hash: string, principal: Principal | undefined, expires = Infinity): Principal | undefined {
    const entry = { principal, until: Math.min(Date.now() + believed, expires) };
    (principal === undefined ? this.unknown : this.known).set(hash, entry);
    // The two must not contradict each other once a key has gone from one to the other.
    (principal === undefined ? this.known : this.unknown).delete(hash);
    return principal;
  }
}
