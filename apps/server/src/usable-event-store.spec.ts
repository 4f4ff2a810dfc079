import { expect, test } from '@jest/globals';
import { startStandIn } from '../../../test/support/kurrent-stand-in/server.js';
import { usableEventStore } from './usable-event-store.js';

test('an event store is usable through a follower of its cluster', async () => {
  const leader = await startStandIn();
  const follower = await startStandIn({ leader });
  try {
    const store = await usableEventStore(`kurrentdb://127.0.0.1:${follower.port}?tls=false`);
    expect(await store.head()).toBe(0n);
    await store.close();
  } finally {
    follower.close();
    leader.close();
  }
});

test.each([
  [
    'a server that is not there',
    'kurrentdb://u:hush@127.0.0.1:1?tls=false',
    /^The KurrentDB of EVENTSTORE_URL /,
  ],
  ['a fragment', 'kurrentdb://u:hush#@127.0.0.1:1', /^EVENTSTORE_URL must /],
  ['an option that is not known', 'kurrentdb://u:hush@127.0.0.1:1?tlz=false', /option .* tlz\.$/],
  ['a port that is none', 'kurrentdb://u:hush@127.0.0.1:port', /^EVENTSTORE_URL must /],
  [
    'a certificate that is not there',
    'kurrentdb://u:hush@127.0.0.1:1?tlsCAFile=/no',
    /^EVENTSTORE_URL must /,
  ],
])('%s is told in one sentence without the password', async (_, url, sentence) => {
  const problem: unknown = await usableEventStore(url).catch((error: unknown) => error);
  expect(problem).toMatchObject({ name: 'StartProblem', message: expect.stringMatching(sentence) });
  expect((problem as Error).message).not.toMatch(/hush|\n/);
});
