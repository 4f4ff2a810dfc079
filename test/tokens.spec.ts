import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type CryptoKey, exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { Api } from './support/api.js';
import { type Server, startServer } from './support/server.js';

const issuer = 'https://id.example.com/';
const folder = mkdtempSync(join(tmpdir(), 'runledger-jwks-'));
let server: Server;
let trusted: CryptoKey;
let stranger: CryptoKey;

beforeAll(async () => {
  const [pair, other] = [await generateKeyPair('ES256'), await generateKeyPair('ES256')];
  [trusted, stranger] = [pair.privateKey, other.privateKey];
  const jwks = join(folder, 'jwks.json');
  writeFileSync(
    jwks,
    JSON.stringify({ keys: [{ ...(await exportJWK(pair.publicKey)), kid: 'one', alg: 'ES256' }] }),
  );
  server = await startServer({ JWT_ISSUER: issuer, JWT_JWKS: jwks });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

interface Claims extends JWTPayload {
  project_id?: string;
  role?: string;
  user_id?: string;
}

const signed = (claims: Claims, key = trusted): Promise<string> => {
  const payload = {
    iss: issuer,
    aud: 'runledger',
    sub: 'ann@example.com',
    project_id: 'default',
    role: 'user',
    ...claims,
  };
  const token = new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'one' });
  return (claims.exp === undefined ? token.setExpirationTime('5m') : token).sign(key);
};
const caller = async (claims: Claims, key = trusted): Promise<Api> =>
  new Api(server.url, await signed(claims, key));

describe('a token of the issuer', () => {
  it('is a caller with its project, user and role', async () => {
    const user_id = randomUUID();
    const { status, body } = await (await caller({ user_id })).get('/me');
    expect([status, body]).toMatchObject([200, { project_id: 'default', user_id, role: 'user' }]);
    const worker = await (await caller({ sub: randomUUID(), role: 'worker', project_id: 'acme' })).get('/me');
    expect(worker.body).toMatchObject({ project_id: 'acme', role: 'worker' });
  });

  it('means the same user whenever it comes, and sees nothing of others', async () => {
    const [first, again, other] = [
      await caller({}),
      await caller({ jti: 'another' }),
      await caller({ sub: 'bob' }),
    ];
    const { id } = await first.made('/runs', {});
    expect((await again.get(`/runs/${id}`)).status).toBe(200);
    expect((await other.get(`/runs/${id}`)).status).toBe(404);
    expect((await again.get('/audit/events')).status).not.toBe(200);
  });

  it('makes no schedule, which would fire when the token is no longer there to tell a role', async () => {
    const ann = await caller({});
    const { id } = await ann.made('/sessions');
    const reply = await ann.post(`/sessions/${id}/schedules`, { cron: '0 9 * * *', run: {} });
    expect([reply.status, reply.body['code']]).toEqual([403, 'forbidden']);
  });

  it('answers a question with effect for as long as it lasts', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 3_600;
    const ann = await caller({ exp });
    const run = await ann.made('/runs', {});
    const asked = { token: 'deploy', kind: 'user_approval', request: {} };
    const { id } = await new Api(server.url, server.key).made(`/runs/${run.id}/interactions`, asked);
    const { body } = await ann.post(`/interactions/${id}/respond`, { decision: 'approved' });
    const valid_until = new Date((exp + 5) * 1_000).toISOString();
    expect(body).toMatchObject({ status: 'responded', response: { valid_until } });
    const resolved = await new Api(server.url, server.key).post(`/interactions/${id}/resolve`);
    expect(resolved.body).toMatchObject({ status: 'resolved' });
  });

  it('may last beyond all calendars', async () => {
    expect((await (await caller({ exp: 1e15 })).get('/me')).status).toBe(200);
  });

  it.each<[string, Claims]>([
    ['expired', { exp: Math.floor(Date.now() / 1_000) - 60 }],
    ['for somebody else', { aud: 'another service' }],
    ['of another issuer', { iss: 'https://evil.example.com/' }],
    ['without a project', { project_id: undefined as unknown as string }],
    ['for a project that cannot be', { project_id: '../default' }],
    ['with an unknown role', { role: 'root' }],
  ])('is refused when it is %s', async (_, claims) => {
    const { status, body } = await (await caller(claims)).get('/me');
    expect([status, body['code']]).toEqual([401, 'unauthenticated']);
  });

  it('is refused when it was signed by another, by nobody, or altered', async () => {
    const good = await signed({});
    const [header = '', payload = '', signature = ''] = good.split('.');
    const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    const tokens = [
      await signed({}, stranger),
      `${encoded({ alg: 'none' })}.${payload}.`,
      `${encoded({ alg: 'HS256', kid: 'one' })}.${payload}.${signature}`,
      `${header}.${encoded({ ...claims, role: 'admin' })}.${signature}`,
      'a.b.c',
    ];
    for (const token of tokens) expect((await new Api(server.url, token).get('/me')).status).toBe(401);
    expect((await new Api(server.url, good).get('/me')).status).toBe(200);
    expect((await new Api(server.url, server.key).get('/me')).status).toBe(200);
  });
});
