import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newProject } from './support/api.js';
import { type Server, startServer } from './support/server.js';

const limit = 5;
let server: Server;

beforeAll(async () => {
  server = await startServer({ RATE_LIMIT: String(limit) });
});
afterAll(async () => {
  await server.stop();
});

describe('a server with a limit of requests', () => {
  it('answers 429 beyond it, tells what is left, and holds nobody to what others asked', async () => {
    const project = await newProject(server);
    const [busy, other] = [await project.caller('user'), await project.caller('user')];
    const replies = [];
    for (let n = 0; n <= limit; n++) replies.push(await busy.get('/me'));
    expect(replies.map(({ status }) => status)).toEqual([...Array.from({ length: limit }, () => 200), 429]);
    expect(replies.slice(0, limit).map(({ headers }) => headers.get('ratelimit-remaining'))).toEqual(
      Array.from({ length: limit }, (_, n) => String(limit - 1 - n)),
    );
    const refused = replies.at(-1);
    expect(refused?.body).toMatchObject({ code: 'rate_limited', status: 429, retryable: true });
    expect(refused?.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await other.get('/me')).status).toBe(200);
  });

  it('lets health be asked as often as one likes', async () => {
    for (let n = 0; n <= 2 * limit; n++) expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});
