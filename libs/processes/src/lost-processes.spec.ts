import { expect, it, jest } from '@jest/globals';
import { byService, StoreUnavailable, Streams } from '#eventsourcing';
import type { Database, ReadModelClock } from '#read-models';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { LostProcesses } from './lost-processes.js';
import type { ProcessKeys } from './process-keys.js';
import type { RunTeller } from './run-teller.js';

it('a sandbox of which not all processes are known yet is asked for again', async () => {
  const comes = jest.fn(() => Promise.resolve(false));
  const asked = jest.fn(() => Promise.resolve([]));
  const lost = new LostProcesses(
    { prepared: asked } as unknown as Database,
    { reached: comes } as unknown as ReadModelClock,
    new Streams(new MemoryEventStore()),
    {} as ProcessKeys,
    {} as RunTeller,
  );
  const end = (): Promise<void> => lost.ofSandbox('s', 7n, () => byService('default'));
  await expect(end()).rejects.toThrow(StoreUnavailable);
  expect(asked).not.toHaveBeenCalled();
  comes.mockResolvedValue(true);
  await end();
  expect(asked).toHaveBeenCalledTimes(1);
});
