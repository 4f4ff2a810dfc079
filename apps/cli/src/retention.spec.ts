import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from '@jest/globals';
import { json, startStub, type StubServer } from '../../../test/support/stub-server.js';
import { cli } from './cli.js';
import { outputTo } from './output.js';

const removal = { scope: 'project', kind: 'logs', count: 60, oldest: null };
const running = {
  ...{ id: 's', status: 'running', progress: { done: 30, total: 60 } },
  ...{ result: null, error: null, ended_at: null },
};
const ended = { ...running, status: 'succeeded', progress: { done: 60, total: 60 }, ended_at: 'now' };
const removed = { ...removal, ids: ['a', 'b'], archives: ['1', '2', '3', '4'] };

let stub: StubServer;
afterEach(async () => {
  await stub.close();
});

const terminal = () => Object.assign(new PassThrough(), { isTTY: true });

/** What a terminal is given where the server answers so, and the exit code. */
const shown = async (args: readonly string[], ...answers: object[]) => {
  stub = await startStub(...answers.map((body) => json(body)));
  const [out, err] = [terminal(), terminal()];
  const env = { RUNLEDGER_URL: stub.url, RUNLEDGER_API_KEY: 'key' };
  const code = await cli(['retention', ...args], env, outputTo(out, env), outputTo(err, env));
  return { code, out: await text(out.end()), err: await text(err.end()) };
};

describe('runledger retention on a terminal', () => {
  it('has a preview name the first ids, and how many more there are', async () => {
    const { out } = await shown(['preview', 'project', 'logs'], {
      ...removal,
      ids: ['a', 'b', 'c', 'd', 'e'],
    });
    expect(out).toBe('scope  project\nkind   logs\ncount  60\nids    a b c and 2 more\n');
  });

  it('shows how far a sweep has come, and then what it removed', async () => {
    const done = { ...ended, result: { removed: [removed], kept: 0 } };
    const { code, out, err } = await shown(['apply'], running, done);
    expect(code).toBe(0);
    expect(err).toContain('sweep [###############...............]  50 % of 60');
    expect(out).toMatch(/^scope .*\nkind .*\ncount .*\nids +a b\narchives +1 2 3 and 1 more\n\nsweep /);
    expect(out).toMatch(/\nsweep s succeeded: 60 removed\n$/);
    expect(stub.requests.map(({ url }) => url)).toEqual(['/v1/retention/apply', '/v1/operations/s']);
  });

  it('tells why a sweep left something out, and why it failed', async () => {
    const { out } = await shown(['apply'], { ...ended, result: { removed: [], kept: 2 } });
    expect(out).toMatch(/^sweep s succeeded: 60 removed, 2 left out: held, running, .*\n$/);
    await stub.close();
    const failed = { ...ended, status: 'failed', error: 'the disk\u009b31m is full' };
    expect(await shown(['apply'], failed)).toEqual({
      code: 1,
      out: 'sweep s failed: the disk\\u009b31m is full\n',
      err: expect.stringMatching(/^\r *\r$/) as unknown,
    });
  });

  it('explains each kind in a row, and below what stands in the way', async () => {
    const count = { count: 2, bytes: 9 };
    const kind = { stored: count, purged: count, expires_at: null, over_size: false, shared_with: [] };
    const { out } = await shown(['explain', 'run', 'r'], {
      kinds: [
        {
          ...kind,
          kind: 'logs',
          policy: { scope: 'project', max_age: 'P1D', action: 'purge' },
          over_size: true,
        },
        { ...kind, kind: 'transcripts', policy: null, shared_with: ['f', 'g'] },
      ],
      running: true,
      legal_holds: [{ id: 'h', subject: { run_id: 'r' }, reason: 'x\u009b31m' }],
    });
    expect(out.split('\n').map((line) => line.replace(/ {2,}/g, '  '))).toEqual([
      'KIND  POLICY  MAX_AGE  MAX_BYTES  ACTION  EXPIRES_AT  STORED  REMOVED',
      'logs  project  P1D  -  purge  -  2 (9 bytes)  2 (9 bytes)',
      'transcripts  none  -  -  -  -  2 (9 bytes)  2 (9 bytes)',
      'logs: more than max_bytes',
      'transcripts: forks show some of it: f g',
      'a run has not ended: nothing of what runs is removed',
      '',
      'legal holds keep it:',
      'ID  SUBJECT  REASON  PLACED_AT  PLACED_BY',
      'h  run r  x\\u009b31m  -  -',
      '',
    ]);
  });

  it('lists holds with their releases only where those are asked for', async () => {
    const page = { data: [{ id: 'h', subject: { user_id: 'u' }, released_at: 'now' }], next_cursor: null };
    expect((await shown(['holds'], page)).out).not.toContain('now');
    await stub.close();
    expect((await shown(['holds', '--all'], page)).out).toMatch(/ user u .* now /);
    expect(stub.requests[0]?.url).toBe('/v1/legal-holds?released=any&limit=100');
  });
});

it.each([
  [['fly'], "unknown command 'retention fly'"],
  [['set', 'project'], 'missing argument <kind>'],
  [['remove', 'project', 'logs', 'all'], "unexpected argument 'all'"],
  [['preview', 'project', 'logs', '--max-bytes', '1k'], '--max-bytes must be a whole number from 0'],
  [['apply', 'now'], "unexpected argument 'now'"],
  [['explain', 'user', 'r'], 'explain takes run or session'],
  [['hold', 'project', 'r', '--reason', 'x'], 'hold takes run, session or user'],
  [['hold', 'run', 'r'], 'missing option --reason'],
  [['release'], 'missing argument <hold>'],
])('says in one sentence what it cannot understand: %j', async (args, sentence) => {
  expect(await shown(args)).toEqual({ code: 2, out: '', err: `runledger: ${sentence}\n` });
});
