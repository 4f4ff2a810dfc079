import { type EventStore, inTime, StoreUnavailable } from '#eventsourcing';
import { KurrentEventStore } from '#eventstore-kurrent';
import { reasonOf, StartProblem } from './start-problem.js';

const patience = 10_000;

/** What the client understands behind the `?`. What it does not it would print, with all of the URL. */
const known = [
  ...['tls', 'tlsVerifyCert', 'tlsCAFile', 'userCertFile', 'userKeyFile', 'nodePreference', 'dnsDiscover'],
  ...['maxDiscoverAttempts', 'discoveryInterval', 'gossipTimeout', 'keepAliveInterval', 'keepAliveTimeout'],
  ...['defaultDeadline', 'connectionName', 'throwOnAppendFailure'],
];

/** The KurrentDB of the URL, once it has answered. @throws StartProblem what is wrong with it, without the password */
export async function usableEventStore(url: string): Promise<EventStore> {
  const store = opened(url);
  try {
    // The first call to a follower only tells the client where the leader is.
    const head = store.head().catch(() => store.head());
    await inTime(head, 'no answer', patience);
    return store;
  } catch (error) {
    await store.close();
    const silent = 'it gives no answer (one without TLS needs ?tls=false)';
    const reason = error instanceof StoreUnavailable ? silent : reasonOf(error);
    throw new StartProblem(`The KurrentDB of EVENTSTORE_URL cannot be used: ${reason}.`);
  }
}

/** What the client says of a URL that it cannot read is not repeated: it may hold a password. */
function opened(url: string): KurrentEventStore {
  for (const option of new URLSearchParams(url.split('?')[1]).keys()) {
    if (known.some((one) => one.toLowerCase() === option.toLowerCase())) continue;
    throw new StartProblem(`EVENTSTORE_URL has an option that is not known: ${option}.`);
  }
  try {
    return new KurrentEventStore(url);
  } catch {
    throw new StartProblem(
      'EVENTSTORE_URL must be a URL such as kurrentdb://host:2113?tls=false, and name no certificate file that is not there.',
    );
  }
}
