import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { StoreUnavailable } from '#eventsourcing';
import { BuildProcess } from './build-process.js';

let folder: string;
let building: BuildProcess;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'runledger-build-'));
});
afterEach(async () => {
  await building.stop();
  rmSync(folder, { recursive: true });
});

/** One whose process does this with each message. */
function doing(script: string): BuildProcess {
  const entry = join(folder, 'entry.mjs');
  writeFileSync(entry, `process.on('message', (told) => { ${script} });`);
  building = new BuildProcess(pathToFileURL(entry), { options: true }, new Set(['toys']));
  return building;
}

const never = new AbortController().signal;

it('gives the options first, then what to build, and hands on what was filled', async () => {
  const { fill } = bound(
    doing(`if (told.options) globalThis.ready = true;
      else if (globalThis.ready) process.send({ build: told.build, filled: { position: 7n, events: told.projection.length } });`),
  );
  expect(await Promise.all([fill('toys', never), fill('toy', never)])).toEqual([
    { position: 7n, events: 4 },
    { position: 7n, events: 3 },
  ]);
});

it.each([
  [true, StoreUnavailable],
  [false, Error],
])('throws what the build threw, unavailable: %s', async (unavailable, kind) => {
  const failed = JSON.stringify({ message: 'it broke', unavailable });
  const { fill } = bound(doing(`if (!told.options) process.send({ build: told.build, failed: ${failed} });`));
  const error: unknown = await fill('toys', never).catch((thrown: unknown) => thrown);
  expect((error as Error).constructor).toBe(kind);
  expect((error as Error).message).toBe('it broke');
});

it('says that the store is unavailable when the process ends, and begins another one', async () => {
  const { fill } = bound(
    doing(`if (!told.options && told.build === 0) process.exit(3);
      if (told.build === 1) process.send({ build: 1, filled: { position: 1n, events: 1 } });`),
  );
  const first: unknown = await fill('toys', never).catch((thrown: unknown) => thrown);
  expect(first).toBeInstanceOf(StoreUnavailable);
  expect(String(first)).toContain('it ended with 3');
  expect(await fill('toys', never)).toEqual({ position: 1n, events: 1 });
});

it('waits for nothing once it is stopped, and tells the process', async () => {
  const stopping = new AbortController();
  const { fill } = bound(
    doing(`if (told.stop === 0) globalThis.stopped = true;
      if (told.build === 1 && globalThis.stopped) process.send({ build: 1, filled: { position: 1n, events: 1 } });`),
  );
  const stopped = fill('toys', stopping.signal);
  stopping.abort();
  expect(await stopped).toBeUndefined();
  expect(await fill('toys', stopping.signal)).toBeUndefined();
  expect(await fill('toys', never)).toEqual({ position: 1n, events: 1 });
});

it('can build what it knows', () => {
  expect(['toys', 'runs'].map((name) => doing('').can(name))).toEqual([true, false]);
});

const bound = (process: BuildProcess) => ({ fill: process.fill.bind(process) });
