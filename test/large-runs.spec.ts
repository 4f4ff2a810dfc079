import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Api, type Body } from './support/api.js';
import { type Server, startServer } from './support/server.js';

const pad = 'x'.repeat(9 * 1024 * 1024);
/** Three of them make a page of 27 MiB, which is not yet full; a fourth fills it. */
const pageOf = 4;
const count = 9;

let server: Server;
let api: Api;
let root: string;

const idsIn = ({ body }: { body: Body }): string[] => (body['data'] as { id: string }[]).map(({ id }) => id);

/** The ids of each page of a list, one after the other. */
async function pagesOf(path: string): Promise<string[][]> {
  const pages: string[][] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const answer = await api.get(cursor === '' ? path : `${path}&cursor=${cursor}`);
    expect(answer.status).toBe(200);
    pages.push(idsIn(answer));
    cursor = answer.body['next_cursor'] as string | null;
  }
  return pages;
}

beforeAll(async () => {
  server = await startServer();
  api = new Api(server.url, server.key);
});
afterAll(() => server.stop());

test('a page of large runs is full before it has as many as may be asked for, and the next one goes on', async () => {
  root = (await api.made('/runs', { input: { pad } })).id;
  const made = [root];
  while (made.length < count) {
    made.push((await api.made('/runs', { input: { pad }, parent_run_id: root })).id);
  }
  const pages = await pagesOf('/runs?limit=100&order=asc');
  expect(pages.map(({ length }) => length)).toEqual([pageOf, pageOf, 1]);
  expect(pages.flat()).toEqual(made);
  const newest = await pagesOf('/runs?limit=2&status=pending,completed');
  expect(newest.flat()).toEqual(made.reverse());
});

test('a tree shows as many of them as a page', async () => {
  const tree = await api.get(`/runs/${root}/tree`);
  expect(idsIn(tree)).toHaveLength(pageOf);
  expect(tree.body['truncated']).toBe(true);
});

test('a claim takes as many as it can hand out, and the next one the others', async () => {
  const claimed: string[] = [];
  for (let some = 1; some > 0;) {
    const ids = idsIn(await api.post('/runs/claim', { worker_id: 'w', max: 100, lease_seconds: 600 }));
    expect(ids.length).toBeLessThanOrEqual(pageOf);
    claimed.push(...ids);
    some = ids.length;
  }
  expect(new Set(claimed).size).toBe(count);
  expect(claimed).toHaveLength(count);
});

test('a page of large sessions is full before it has as many as may be asked for', async () => {
  const content = 'x'.repeat(256 * 1024);
  const initial_files = Array.from({ length: 36 }, (_, n) => ({ path: `file-${n}`, content }));
  const made: string[] = [];
  while (made.length <= pageOf) made.push((await api.made('/sessions', { initial_files })).id);
  const pages = await pagesOf('/sessions?limit=100&order=asc&include_empty=true');
  expect(pages).toEqual([made.slice(0, pageOf), made.slice(pageOf)]);
});

test('a page of large tool calls is full before it has as many as may be asked for', async () => {
  const { id } = await api.made('/runs');
  const calls = Array.from({ length: 80 }, (_, n) => ({
    type: 'tool_call.started',
    data: { tool_use_id: `t${n}`, name: 'read', arguments: { pad: 'x'.repeat(500_000) } },
  }));
  for (let n = 0; n < calls.length; n += 16) {
    await api.post(`/runs/${id}/events`, { events: calls.slice(n, n + 16) });
  }
  const pages = await pagesOf(`/runs/${id}/tool_calls?limit=100`);
  expect(pages.map(({ length }) => length)).toEqual([68, 12]);
  expect(new Set(pages.flat()).size).toBe(calls.length);
});

test('an export reads large runs some at a time, and has all of them', async () => {
  const { id } = await api.made('/sessions');
  const made: string[] = [];
  while (made.length <= pageOf) {
    const run = { session_id: id, on_active_run: 'allow', input: { pad } };
    made.push((await api.made('/runs', run)).id);
  }
  const answer = await fetch(`${server.url}/v1/sessions/${id}/export`, {
    headers: { authorization: `Bearer ${server.key}` },
  });
  const lines = (await answer.text()).trimEnd().split('\n');
  const told = lines.map((line) => JSON.parse(line) as { type: string; data: { id: string } });
  expect(told.filter(({ type }) => type === 'run').map(({ data }) => data.id)).toEqual(made);
});
