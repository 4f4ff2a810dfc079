import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type Server, startServer } from './support/server.js';

let server: Server;

beforeAll(async () => {
  server = await startServer();
});
afterAll(async () => {
  await server.stop();
});

const pages = [
  'README.md',
  ...['sessions', 'events', 'interactions', 'schedules', 'webhooks', 'retention', 'processes', 'workers'].map(
    (name) => `docs/${name}.md`,
  ),
];

/** What a reader's shell has besides: an answer that is a problem ends the script, a stream is left. */
const shell = `
curl() {
  case "$*" in
    *event-stream*) command curl --fail-with-body --max-time 1 "$@" || [ $? -eq 28 ] ;;
    *) command curl --fail-with-body "$@" ;;
  esac
}
npx() { shift; node bin/runledger.mjs "$@"; }
`;

/** The calls of a page, in order, to this server. */
function scriptOf(page: string): string {
  const blocks = [...readFileSync(page, 'utf8').matchAll(/^`{3}sh\n(.*?)^`{3}/gms)].map(
    ([, block]) => block ?? '',
  );
  const own = blocks.filter((block) => !/npm |worker\.mjs/.test(block)).join('');
  return own.replaceAll('http://127.0.0.1:8080', server.url).replaceAll('.data/', `${server.dataDir}/`);
}

// What the pages show are calls with curl.
const withCurl = spawnSync('curl', ['--version']).status === 0 ? test : test.skip;

withCurl.each(pages)('what %s shows works when it is pasted in order, where curl is', async (page) => {
  const child = spawn('sh', ['-euc', shell + scriptOf(page)], {
    env: { PATH: process.env['PATH'], RUNLEDGER_URL: server.url, RUNLEDGER_API_KEY: server.key },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  expect({ code: child.exitCode, output, errors }).toMatchObject({ code: 0 });
});
