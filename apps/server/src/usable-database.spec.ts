import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from 'pg';
import { type Database, freshDatabase } from '../../../test/support/database.js';
import { migrations } from './core.module.js';
import { StartProblem } from './start-problem.js';
import { migratedDatabase, usableDatabase } from './usable-database.js';

const user = `user_${randomBytes(6).toString('hex')}`;
let database: Database;
let admin: Client;
let url: URL;

beforeAll(async () => {
  database = await freshDatabase();
  admin = new Client({ connectionString: database.url });
  await admin.connect();
  await admin.query(`CREATE ROLE ${user} LOGIN PASSWORD 'hush'`);
  url = new URL(database.url);
  [url.username, url.password] = [user, 'hush'];
});

afterAll(async () => {
  await admin.end();
  await database.drop();
});

/** Says of every connection that the same process of Postgres stands behind it, as a pooler may. */
function sharing(socket: Socket): void {
  const message = (type: string, body: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeInt32BE(4 + body.length);
    return Buffer.concat([Buffer.from(type), length, body]);
  };
  const column = (name: string) => Buffer.concat([Buffer.from(`${name}\0`), Buffer.alloc(18)]);
  const value = Buffer.from('\0\0\0\x06170000');
  const idle = message('Z', Buffer.from('I'));
  const row = [
    message('T', Buffer.concat([Buffer.from('\0\x02'), column('number'), column('pid')])),
    message('D', Buffer.concat([Buffer.from('\0\x02'), value, value])),
    message('C', Buffer.from('SELECT 1\0')),
  ];
  socket.once('data', () => {
    socket.write(Buffer.concat([message('R', Buffer.alloc(4)), idle]));
    socket.on('data', (sent) => {
      if (sent[0] === 'Q'.charCodeAt(0)) socket.write(Buffer.concat([...row, idle]));
    });
  });
}

it('says in one sentence that a connection was lost between two statements', async () => {
  let first: Socket | undefined;
  const going = createServer((socket) => {
    if (first === undefined) {
      first = socket;
      sharing(socket);
      return;
    }
    first.once('close', () => socket.destroy());
    first.end();
  }).listen(0, '127.0.0.1');
  await once(going, 'listening');
  const { port } = going.address() as AddressInfo;
  await expect(usableDatabase(`postgres://127.0.0.1:${port}/any`)).rejects.toThrow(StartProblem);
  going.close();
});

it('says in one sentence that a pooler takes away what belongs to a session', async () => {
  const pooler = createServer(sharing).listen(0, '127.0.0.1');
  await once(pooler, 'listening');
  const { port } = pooler.address() as AddressInfo;
  const opening = usableDatabase(`postgres://127.0.0.1:${port}/any`);
  await expect(opening).rejects.toThrow(StartProblem);
  await expect(opening).rejects.toThrow(/^The Postgres of DATABASE_URL cannot .* in session mode\.$/);
  pooler.close();
});

it('takes a Postgres behind which nothing stands', async () => {
  expect(await usableDatabase(database.url)).toBe(database.url);
});

it('says in one sentence what the user of a database lacks who does not own it', async () => {
  const opening = migratedDatabase(url.href, migrations);
  await expect(opening).rejects.toThrow(StartProblem);
  await expect(opening).rejects.toThrow(
    /^The Postgres of DATABASE_URL cannot .* must own the database[^\n]+\.$/,
  );
});

it('needs a user who owns the database, and no more', async () => {
  await admin.query(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ${user}`);
  await (await migratedDatabase(url.href, migrations)).close();
});
