import { afterEach, describe, expect, it } from '@jest/globals';
import { type Answer, startStub, type StubServer } from '../../../test/support/stub-server.js';
import { Api } from './api.js';

const page: Answer = (response) => {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Sign in</h1>');
};
const elsewhere: Answer = (response) => {
  response.writeHead(301, { location: 'https://ledger.example.com/v1/runs' }).end();
};

let stub: StubServer;
let api: Api;
const serve = async (answer: Answer): Promise<void> => {
  stub = await startStub(answer, page);
  api = new Api({ url: stub.url, key: 'key' });
};
afterEach(async () => {
  await stub.close();
});

const calls: [string, () => Promise<unknown>][] = [
  ['a call', () => api.call('POST', '/v1/runs', { body: {} })],
  ['lines', () => api.bytes('/v1/audit/export').next()],
  ['a stream', () => api.stream('/v1/runs/r/events', { signal: AbortSignal.timeout(10_000) })],
];

describe('an answer that is not of the server', () => {
  it.each(calls)('is told, when it is a page: %s', async (_what, call) => {
    await serve(page);
    await expect(call()).rejects.toMatchObject({
      name: 'ServerUnreachable',
      message: expect.stringMatching(/\(the answer is no (JSON|NDJSON|stream of events)\)$/) as unknown,
    });
  });

  it.each(calls)('is told, when it redirects, and not followed: %s', async (_what, call) => {
    await serve(elsewhere);
    await expect(call()).rejects.toMatchObject({
      name: 'ServerUnreachable',
      message: `the server at ${stub.url} cannot be reached (it redirects to https://ledger.example.com/v1/runs)`,
    });
    expect(stub.requests).toHaveLength(1);
  });

  it.each(['[]', 'null', '{"data":{}}'])('is told, when a list was asked for: %s', async (text) => {
    await serve((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(text);
    });
    await expect(api.list('/v1/runs', 20).next()).rejects.toMatchObject({
      name: 'ServerUnreachable',
      message: `the server at ${stub.url} cannot be reached (the answer is no list)`,
    });
  });
});
