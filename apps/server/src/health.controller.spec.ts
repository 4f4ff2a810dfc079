import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { FastifyReply } from 'fastify';
import type { EventStore } from '#eventsourcing';
import { type Database, ProjectionsStatus } from '#read-models';
import { HealthController } from './health.controller.js';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('a database that hangs is told as one that does not answer', async () => {
  const orm = { getRepository: () => ({ find: () => new Promise(() => undefined) }) };
  const hangs = new ProjectionsStatus({ orm } as unknown as Database, {} as EventStore, []);
  const code = jest.fn();
  const ready = new HealthController(hangs).readyz({ code } as unknown as FastifyReply);
  await jest.runAllTimersAsync();
  expect(await ready).toMatchObject({ status: 'not_ready', failing: { storage: expect.any(String) } });
  expect(code).toHaveBeenCalledWith(503);
});
