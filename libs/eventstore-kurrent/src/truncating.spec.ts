import { expect, test } from '@jest/globals';
import { all, newEvents, streamName } from '../../eventsourcing/src/contract-tools.contract.js';
import { startStandIn } from '../../../test/support/kurrent-stand-in/server.js';
import { KurrentEventStore } from '#eventstore-kurrent';

test.each(['true', 'false'])(
  'of truncations at once none is lost, with throwOnAppendFailure=%s',
  async (throws) => {
    const server = await startStandIn();
    const store = new KurrentEventStore(
      `kurrentdb://127.0.0.1:${server.port}?tls=false&throwOnAppendFailure=${throws}`,
    );
    try {
      const stream = streamName();
      await store.append(stream, 'none', newEvents(5));
      await Promise.all([1, 2, 3, 4].map((revision) => store.truncateBefore(stream, revision)));
      expect((await all(store.readStream(stream))).map(({ revision }) => revision)).toEqual([4]);
    } finally {
      await store.close();
      server.close();
    }
  },
);
