import { afterAll, afterEach, beforeAll, describe } from '@jest/globals';
import { closeSandboxes, type SandboxHarness } from './contract-sandboxes.contract.js';
import { sandboxEnding } from './sandbox-ending.contract.js';
import { sandboxLimits } from './sandbox-limits.contract.js';
import { sandboxSecrets } from './sandbox-secrets.contract.js';
import { sandboxStarting } from './sandbox-starting.contract.js';
import { sandboxStreams } from './sandbox-streams.contract.js';

export type { SandboxHarness } from './contract-sandboxes.contract.js';

/** What every driver of sandboxes must do. */
export function sandboxDriverContract(name: string, prepare: () => Promise<SandboxHarness>): void {
  describe(`sandboxes of ${name}`, () => {
    let harness: SandboxHarness;
    beforeAll(async () => {
      harness = await prepare();
    });
    afterEach(closeSandboxes);
    afterAll(async () => {
      await harness.close();
    });
    const prepared = (): SandboxHarness => harness;

    describe('start', () => {
      sandboxStarting(prepared);
    });
    describe('input and output', () => {
      sandboxStreams(prepared);
    });
    describe('ends', () => {
      sandboxEnding(prepared);
    });
    describe('secrets', () => {
      sandboxSecrets(prepared);
    });
    describe('limits', () => {
      sandboxLimits(prepared);
    });
  });
}
