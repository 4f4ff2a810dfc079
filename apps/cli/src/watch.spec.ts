import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventStream, json, startStub, type StubServer } from '../../../test/support/stub-server.js';
import { cli } from './cli.js';
import { outputTo } from './output.js';

const event = {
  type: 'user',
  sequence_number: 1,
  created_at: '2026-01-05T10:00:00.000Z',
  data: { text: 'a\u009b31m\u202e' },
};
const stream = [
  'event: snapshot\ndata: {"status": "running"}\n\n',
  `id: 1\nevent: user\ndata: ${JSON.stringify(event)}\n\n`,
  'id: 9\nevent: bookmark\ndata: {}\n\n',
  'event: end\ndata: {}\n\n',
].join('');

let stub: StubServer;
afterEach(async () => {
  await stub.close();
});

/** What a terminal is given. */
const shown = async (args: readonly string[], env: NodeJS.ProcessEnv = {}, path = ''): Promise<string> => {
  stub = await startStub(eventStream(stream), json({ status: 'completed' }));
  const out = Object.assign(new PassThrough(), { isTTY: true });
  const all = { RUNLEDGER_URL: stub.url + path, RUNLEDGER_API_KEY: 'key', ...env };
  const output = outputTo(out, all);
  expect(await cli(['watch', 'run', 'r', ...args], all, output, output)).toBe(0);
  out.end();
  return text(out);
};

describe('runledger watch on a terminal', () => {
  it('shows events as lines, in colours', async () => {
    const line = (await shown([])).replaceAll('\x1b', 'ESC');
    expect(line).toMatch(/^ESC\[2m.* +1ESC\[0m {2}user {15}a\\u009b31m\\u202e\n$/);
  });

  it.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])('leaves the colours out with %j', async (env) => {
    expect(await shown([], env)).not.toContain('\x1b');
  });

  it('takes an empty NO_COLOR for none', async () => {
    expect(await shown([], { NO_COLOR: '' })).toContain('\x1b');
  });

  it('asks under the path that a proxy serves the server under', async () => {
    await shown([], {}, '/ledger/v1/');
    expect(stub.requests.map(({ url }) => url)).toEqual(['/ledger/v1/runs/r/events', '/ledger/v1/runs/r']);
  });

  it('with --json shows the same JSON as a pipe, with nothing in it that commands the terminal', async () => {
    const line = await shown(['--json']);
    expect(JSON.parse(line)).toEqual(event);
    expect(line).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  });
});
