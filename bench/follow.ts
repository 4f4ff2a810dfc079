import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Connection, requestBytes } from './connection.js';
import { follow, neverRead } from './feed-connection.js';
import { Latencies } from './latencies.js';

/**
 * Followers of one feed, and the writer of what they follow, as a process of their own: prints one JSON
 * line (`FollowResult`). An event is appended every so many milliseconds, whether or not the one before has
 * arrived; the time is taken from the sending of its append to its last byte at each follower.
 */
const { values } = parseArgs({
  options: {
    url: { type: 'string', default: '' },
    key: { type: 'string', default: '' },
    /** What is followed, and the run that is appended to. */
    path: { type: 'string', default: '' },
    run: { type: 'string', default: '' },
    followers: { type: 'string', default: '1' },
    'never-reading': { type: 'string', default: '0' },
    every: { type: 'string', default: '20' },
    bytes: { type: 'string', default: '200' },
    seconds: { type: 'string', default: '5' },
    'warm-up': { type: 'string', default: '0' },
    'server-pid': { type: 'string', default: '' },
  },
});

export interface FollowResult {
  readonly appended: number;
  readonly received: number;
  readonly p50_ms: number;
  readonly p99_ms: number;
  readonly max_ms: number;
  /** Of one core, in the measured time. */
  readonly server_cpu_percent: number;
}

/** How long the last event may take to arrive, in milliseconds. */
const patience = 30_000;
const ticksPerSecond = 100;

const { url, key, path } = values;
const { host, hostname, port } = new URL(url);
const every = Number(values.every);
const warmUp = Math.round((Number(values['warm-up']) * 1000) / every);
const appends = Math.max(1, Math.round((Number(values.seconds) * 1000) / every));
const followers = Number(values.followers);
const pad = 'x'.repeat(Number(values.bytes));
const latencies = new Latencies();
let measuredFrom = Infinity;
let failure: Error | undefined;
const fail = (error: Error): void => {
  failure ??= error;
};

const received = (at: number): void => {
  if (at >= measuredFrom) latencies.add(performance.now() - at);
};

const free: Connection[] = [];
const append = async (): Promise<void> => {
  const connection = free.pop() ?? new Connection(hostname, Number(port));
  const at = performance.now().toFixed(3);
  const body = `{"events":[{"type":"x.bench","data":{"pad":"${pad}","at":${at}}}]}`;
  const request = { host, key, method: 'POST', path: `/v1/runs/${values.run}/events`, body };
  const status = await connection.send(requestBytes({ ...request, contentType: 'application/json' }));
  if (status !== 201) throw new Error(`an append was answered ${status}`);
  free.push(connection);
};

/** Seconds of processor time that the server has used. */
const serverTime = async (): Promise<number> => {
  const stat = await readFile(`/proc/${values['server-pid']}/stat`, 'utf8');
  const [user, system] = stat.slice(stat.lastIndexOf(')')).split(' ').slice(12, 14);
  return (Number(user) + Number(system)) / ticksPerSecond;
};

const appendMany = async (count: number): Promise<void> => {
  const start = performance.now();
  const answers: Promise<void>[] = [];
  for (let n = 0; n < count && failure === undefined; n++) {
    await delay(start + n * every - performance.now());
    answers.push(append().catch(fail));
  }
  await Promise.all(answers);
};

const arrived = async (count: number): Promise<void> => {
  const deadline = performance.now() + patience;
  while (latencies.count < count && failure === undefined) {
    if (performance.now() > deadline) throw new Error(`${latencies.count} of ${count} events arrived`);
    await delay(5);
  }
};

const request = { url, key, path };
for (let n = 0; n < Number(values['never-reading']); n++) await neverRead(request);
const opening = Array.from({ length: followers }, () => follow(request, received, fail));
await Promise.all(opening);
await appendMany(warmUp);
measuredFrom = performance.now();
const cpuBefore = await serverTime();
await appendMany(appends);
const seconds = (performance.now() - measuredFrom) / 1000;
const cpu = (await serverTime()) - cpuBefore;
await arrived(appends * followers);
if (failure !== undefined) throw failure;
const [p50 = 0, p99 = 0, max = 0] = latencies.percentiles(0.5, 0.99, 1);
const result: FollowResult = {
  appended: appends,
  received: latencies.count,
  p50_ms: p50,
  p99_ms: p99,
  max_ms: max,
  server_cpu_percent: (100 * cpu) / seconds,
};
console.log(JSON.stringify(result));
process.exit(0);
