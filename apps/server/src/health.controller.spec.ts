import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import type { ProjectionsStatus } from '#read-models';
import { HealthController } from './health.controller.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('a database that hangs is told as one that does not answer', async () => {
  const hangs = { all: () => new Promise(() => undefined) } as unknown as ProjectionsStatus;
  const code = jest.fn();
  const ready = new HealthController(hangs).readyz({ code } as unknown as FastifyReply);
  await jest.runAllTimersAsync();
  expect(await ready).toMatchObject({ status: 'not_ready', failing: { storage: expect.any(String) } });
  expect(code).toHaveBeenCalledWith(503);
});
