import { readFileSync } from 'node:fs';
import { PassThrough, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, it } from '@jest/globals';
import { cli } from './cli.js';
import { outputTo } from './output.js';

/** What `runledger help` does when its output fails with this error of the system. */
const helpTo = async (code: string, message: string) => {
  const failing = new Writable({
    write: (_chunk, _encoding, done) => {
      done(Object.assign(new Error(message), { code, syscall: 'write' }));
    },
  });
  const err = new PassThrough();
  const exit = await cli(['help'], {}, outputTo(failing, {}), outputTo(err, {}));
  return { exit, err: await text(err.end()) };
};

it('takes it for an end that nobody reads any more', async () => {
  expect(await helpTo('EPIPE', 'write EPIPE')).toEqual({ exit: 0, err: '' });
});

it('says in one sentence that the output cannot be written, as on a full disk', async () => {
  const message = 'ENOSPC: no space left on device, write';
  expect(await helpTo('ENOSPC', message)).toEqual({ exit: 1, err: `runledger: ${message}\n` });
});

it('shows the help of one command', async () => {
  const out = new PassThrough();
  expect(await cli(['help', 'logs'], {}, outputTo(out, {}), outputTo(out, {}))).toBe(0);
  expect(await text(out.end())).toMatch(/^usage: runledger logs /);
});

it.each(['--version', '-V'])('tells with %s which one it is, with no server known', async (option) => {
  const out = new PassThrough();
  expect(await cli([option], {}, outputTo(out, {}), outputTo(out, {}))).toBe(0);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(await text(out.end())).toBe(`${version}\n`);
});
