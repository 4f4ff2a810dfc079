import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import type { LiveEvents, Streams } from '#eventsourcing';
import { processDecider } from './process.decider.js';
import { StateWatch } from './state-watch.js';

/** Streams in which nothing is, and nothing happens. */
const streams = { load: () => Promise.resolve({ state: undefined }) } as unknown as Streams;
const live = { follow: () => Promise.resolve(() => undefined) } as unknown as LiveEvents;
const watch = new StateWatch(streams, live);
const never = (): boolean => false;

/** Collects the garbage that is there. */
function collect(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

test('a wait is over with its time, though garbage is collected meanwhile', async () => {
  const gone = new AbortController();
  const waiting = watch.until(processDecider, 'process-1', never, 200, gone.signal);
  await turn();
  collect();
  expect(await waiting).toBeUndefined();
});

test('a wait is over when nobody waits any more', async () => {
  const gone = new AbortController();
  const waiting = watch.until(processDecider, 'process-1', never, 60_000, gone.signal);
  await turn();
  gone.abort();
  expect(await waiting).toBeUndefined();
  expect(await watch.until(processDecider, 'process-1', never, 60_000, gone.signal)).toBeUndefined();
});
