import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { appending } from './appending.contract.js';
import { stopFollowers, type EventStoreHarness } from './contract-tools.contract.js';
import { reading } from './reading.contract.js';
import { reconnecting } from './reconnecting.contract.js';
import { removing } from './removing.contract.js';
import { subscribing } from './subscribing.contract.js';
import { subscribingUnderLoad } from './subscribing-under-load.contract.js';

export type { EventStoreHarness } from './contract-tools.contract.js';

/**
 * What every adapter of the event store port must do. Each test writes to streams of its own, so
 * that the suite can run against a shared server that holds other data.
 */
export function eventStoreContract(name: string, open: () => Promise<EventStoreHarness>): void {
  describe(`event store on ${name}`, () => {
    let harness: EventStoreHarness;
    beforeAll(async () => {
      harness = await open();
    });
    afterEach(stopFollowers);
    afterAll(async () => {
      await harness.close();
    });
    const opened = (): EventStoreHarness => harness;

    describe('append', () => {
      appending(opened);
    });
    describe('read', () => {
      reading(opened);
    });
    describe('subscribe', () => {
      subscribing(opened);
    });
    describe('subscribe under load', () => {
      subscribingUnderLoad(opened);
    });
    describe('remove', () => {
      removing(opened);
    });
    describe('lost connection', () => {
      reconnecting(opened);
    });
  });
}
