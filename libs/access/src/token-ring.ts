import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { derivedUuid, type Principal } from '#eventsourcing';
import { isUuid } from '#http';
import { projectSlug } from './project.events.js';
import { roles } from './roles.js';

/** Whose tokens are taken, and the keys that they are signed with. */
export interface TokenIssuer {
  /** `iss` of its tokens. */
  readonly issuer: string;
  /** What `aud` of a token must name. */
  readonly audience: string;
  /** Its public keys, a JSON Web Key Set (RFC 7517): an `https://` address, or the path of a file. */
  readonly jwks: string;
}

/** How long an answer is believed, in milliseconds; a token cannot be revoked, it expires. */
const believed = 60_000;
/** Signatures that anyone can check and only the issuer can make. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'EdDSA'];
/** The last second that RFC 3339 can tell. */
const latest = Date.parse('9999-12-31T23:59:59Z') / 1_000;
/** How far its clock may be from ours, in seconds. */
const clockTolerance = 5;

/** Tells whose a token is: a signed JWT (RFC 7519) with `sub`, `exp`, `project_id`, `role` and perhaps `user_id`. */
export class TokenRing {
  private readonly known = new LRUCache<string, { principal: Principal; until: number }>({ max: 20_000 });

  private constructor(
    private readonly issuer: TokenIssuer,
    private readonly keys: JWTVerifyGetKey,
  ) {}

  /** @throws what the file of the keys is not read or understood with */
  static async of(issuer: TokenIssuer): Promise<TokenRing> {
    const { jwks } = issuer;
    if (/^https?:\/\//.test(jwks)) return new TokenRing(issuer, createRemoteJWKSet(new URL(jwks)));
    const set = JSON.parse(await readFile(jwks, 'utf8')) as JSONWebKeySet;
    return new TokenRing(issuer, createLocalJWKSet(set));
  }

  /** Whose token it is; undefined when it is not signed by the issuer, not for us, expired, or says too little. */
  whose(token: string): Principal | undefined | Promise<Principal | undefined> {
    const hash = createHash('sha256').update(token).digest('base64');
    const entry = this.known.get(hash);
    if (entry !== undefined && entry.until > Date.now()) return entry.principal;
    return this.verify(token, hash);
  }

  private async verify(token: string, hash: string): Promise<Principal | undefined> {
    const payload = await this.payload(token);
    const principal = payload && principalOf(payload);
    if (principal?.until !== undefined) {
      this.known.set(hash, {
        principal,
        until: Math.min(Date.now() + believed, Date.parse(principal.until)),
      });
    }
    return principal;
  }

  private async payload(token: string): Promise<JWTPayload | undefined> {
    const { issuer, audience } = this.issuer;
    const options = { issuer, audience, algorithms, clockTolerance, requiredClaims: ['exp', 'sub'] };
    try {
      return (await jwtVerify(token, this.keys, options)).payload;
    } catch (error) {
      if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout)) return undefined;
      throw error;
    }
  }
}

/** Whoever the issuer knows by a name of its own has an id that is derived from it. */
function principalOf({
  iss = '',
  sub = '',
  project_id,
  role,
  user_id = sub,
  exp = 0,
}: JWTPayload): Principal | undefined {
  const known = roles.find((one) => one === role);
  if (known === undefined || typeof project_id !== 'string' || !projectSlug.test(project_id))
    return undefined;
  if (typeof user_id !== 'string' || user_id === '') return undefined;
  const idOf = (name: string): string => (isUuid(name) ? name : derivedUuid('jwt', iss, name));
  const until = new Date(Math.min(exp + clockTolerance, latest) * 1_000).toISOString();
  return { principalId: idOf(sub), userId: idOf(user_id), projectId: project_id, role: known, until };
}
