import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Api } from './support/api.js';
import { type Server, startServer } from './support/server.js';
import { type Frame, Watch } from './support/sse.js';
import { StuckReader } from './support/stuck-reader.js';
import { until } from './support/supervised-service.js';

const stuckReaders = Number(process.env['STUCK_READERS'] ?? 60);
const appends = 8;
const events = Array.from({ length: 60 }, () => ({ type: 'x.large', data: { pad: 'x'.repeat(60_000) } }));
const total = appends * events.length + 2;
const megabytesOfEach = (total * 60_000) / 2 ** 20;
/** A server with room to spare collects its garbage late, and on a busy machine later: one without shows what it keeps. */
const littleHeap = '--max-old-space-size=256';

const megabytes = (pid: number, name: string): number =>
  Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024;
const ids = (frames: readonly Frame[]): number[] =>
  frames.flatMap(({ id }) => (id === undefined ? [] : Number(id)));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, n) => n + 1);

describe(`${stuckReaders} readers that do not read, of a run with 28 MB of events`, () => {
  let server: Server;
  let api: Api;
  let path: string;
  let stuck: StuckReader[];
  let before: number;
  /** One who reads while all of it happens. */
  let reading: Promise<Frame[]>;
  let stopped: Watch;

  const watch = (headers: Record<string, string> = {}): Promise<Watch> =>
    Watch.open(`${server.url}/v1${path}`, server.key, headers);
  const ends = ({ event }: Frame): boolean => event === 'end';

  beforeAll(async () => {
    server = await startServer({ NODE_OPTIONS: littleHeap });
    api = new Api(server.url, server.key);
    const { id } = await api.made('/runs');
    path = `/runs/${id}/events`;
    await api.post(path, { events });
    await (await watch()).until(({ id: place }) => place === String(events.length));
    before = megabytes(server.pid, 'VmRSS');
    const url = `${server.url}/v1${path}`;
    stuck = await Promise.all(Array.from({ length: stuckReaders }, () => StuckReader.open(url, server.key)));
    stopped = await watch();
    reading = (await watch()).until(ends);
    for (let n = 1; n < appends; n++) await api.post(path, { events });
    await api.post(`/runs/${id}/cancel`);
  });

  afterAll(async () => {
    stuck.forEach((reader) => {
      reader.close();
    });
    await server.stop();
  });

  test('another one is told everything, in order', async () => {
    expect(ids(await reading)).toEqual(upTo(total));
  });

  test('they are cut', async () => {
    await Promise.all(stuck.map((reader) => reader.cut()));
  });

  test('one who reads on after a while, and comes back, has everything once', async () => {
    const headers = { authorization: `Bearer ${server.key}` };
    const metrics = async () => (await fetch(`${server.url}/metrics`, { headers })).text();
    await until(async () => (await metrics()).includes('\nrunledger_open_streams 0\n'));
    const first = ids(await stopped.until(ends));
    expect(first.length).toBeLessThan(total);
    const rest = await watch({ 'last-event-id': String(first.at(-1)) });
    expect([...first, ...ids(await rest.until(ends))]).toEqual(upTo(total));
  });

  test('the server did not keep for them what they did not read', () => {
    const grown = megabytes(server.pid, 'VmHWM') - before;
    expect(grown).toBeLessThan((stuckReaders * megabytesOfEach) / 2);
  });
});
