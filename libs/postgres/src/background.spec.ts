import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { getPriority } from 'node:os';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { GatheringSocket, runInBackground, serveInBackground } from './index.js';

const low = 10;
let database: Database;

beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.drop());

/** The niceness of a process, and that of its session, if this system has such. */
function nicenessOf(pid: number): number[] {
  const session = `/proc/${pid}/autogroup`;
  return [
    getPriority(pid),
    ...(existsSync(session) ? [Number(readFileSync(session, 'utf8').split(' nice ')[1])] : []),
  ];
}

async function servingPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return Number(rows[0]?.pid);
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url, stream: () => new GatheringSocket() });
  await client.connect();
  return client;
}

it('a process and its session give way to others', async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1e6)'], { detached: true });
  await runInBackground(Number(child.pid));
  const niceness = nicenessOf(Number(child.pid));
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(new Set(niceness)).toEqual(new Set([low]));
});

it('a process that is gone is no error', async () => {
  const child = spawn(process.execPath, ['-e', '0']);
  await once(child, 'exit');
  await runInBackground(Number(child.pid));
});

it('what serves several connections gives way, and nothing that serves another', async () => {
  const other = await connected(database.url);
  const clients = await Promise.all(Array.from({ length: 3 }, () => connected(database.url)));
  await Promise.all(clients.map(serveInBackground));
  for (const client of clients) expect(new Set(nicenessOf(await servingPid(client)))).toEqual(new Set([low]));
  expect(new Set(nicenessOf(await servingPid(other)))).toEqual(new Set([0]));
  await Promise.all([other, ...clients].map((client) => client.end()));
});

it('what serves a pooler is left as it is', async () => {
  const { hostname, port } = new URL(database.url);
  const pooler = createServer((socket) => {
    socket.pipe(connect(Number(port), hostname)).pipe(socket);
  }).listen(0, '127.0.0.1');
  await once(pooler, 'listening');
  const url = new URL(database.url);
  url.port = String((pooler.address() as AddressInfo).port);
  const client = await connected(url.href);
  await serveInBackground(client);
  expect(new Set(nicenessOf(await servingPid(client)))).toEqual(new Set([0]));
  await client.end();
  pooler.close();
});
