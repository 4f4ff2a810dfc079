import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Api } from './support/api.js';
import { breakableProxy } from './support/breakable-proxy.js';
import { freshDatabase } from './support/database.js';
import { ordinaryUser } from './support/ordinary-user.js';
import { addressIn, ended, ready, runServer, spawnServer, startServer } from './support/server.js';

const supervisor = { program: 'scripts/start.mjs' };
const curlLine = /curl -s .*\/v1\/me/;

let dataDir: string;
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'runledger-start-'));
});
afterEach(() => {
  rmSync(dataDir, { recursive: true, force: true });
});

interface Started {
  child: ChildProcess;
  output: () => string;
}

/** Waits for something that a process brings about, but no longer than it lives. */
async function until<T>(found: () => T | undefined, { child, output }: Started): Promise<T> {
  for (;;) {
    const value = found();
    if (value !== undefined) return value;
    if (child.exitCode !== null) throw new Error(`It ended too early:\n${output()}`);
    await delay(20);
  }
}

const addressOf = (started: Started) => until(() => addressIn(started.output()), started);

function announcedPid(folder: string): number {
  return (JSON.parse(readFileSync(join(folder, 'server.json'), 'utf8')) as { pid: number }).pid;
}

function postmasterPid(folder: string): number {
  return Number.parseInt(readFileSync(join(folder, 'postgres', 'postmaster.pid'), 'utf8'), 10);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('the first start', () => {
  test('prints a new key once, with a curl line that works when pasted', async () => {
    const server = await startServer({ DATA_DIR: dataDir });
    const line = curlLine.exec(server.output())?.[0] ?? '';
    const answer = execFileSync('sh', ['-c', `${line} -w '%{http_code}'`], { encoding: 'utf8' });
    await server.stop();
    expect(server.output().split(server.key)).toHaveLength(3);
    expect(server.output()).not.toContain('"level":50');
    expect(answer).toMatch(/"project_id":.*200$/s);
    expect(statSync(join(dataDir, 'api-key')).mode & 0o777).toBe(0o600);
  });

  test('has built its read models by the time it says that it listens', async () => {
    const started = spawnServer({ DATA_DIR: dataDir });
    const { status } = await fetch(`${await addressOf(started)}/readyz`);
    await ended(started.child, 'SIGTERM');
    expect(status).toBe(200);
  });

  test('is followed by starts that keep data and key, and say where the key is instead of printing it', async () => {
    const first = await startServer({ DATA_DIR: dataDir });
    await first.stop();
    const second = await startServer({ DATA_DIR: dataDir });
    await second.stop();
    expect(second.key).toBe(first.key);
    expect(second.output()).toContain(`The API key is in ${join(dataDir, 'api-key')}`);
    expect(second.output()).not.toContain(first.key);
  });

  test('takes a BOOTSTRAP_API_KEY and prints nothing of it', async () => {
    const server = await startServer({ DATA_DIR: dataDir, BOOTSTRAP_API_KEY: 'rl_a-key-that-was-given' });
    await server.stop();
    expect(server.output()).not.toMatch(/key/i);
  });
});

describe('a start that cannot be', () => {
  test('for a busy port says so, and leaves nothing running', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const { code, output } = await runServer({ DATA_DIR: dataDir, PORT: String(port) });
    other.close();
    expect(code).toBe(1);
    const sentence = `127.0.0.1:${port} is in use by another program; stop that or set PORT to another.\n`;
    expect(output.slice(-sentence.length)).toBe(sentence);
    expect(() => postmasterPid(dataDir)).toThrow('ENOENT');
  });

  test('for a data dir in use names its holder, who does not notice', async () => {
    const first = await startServer({ DATA_DIR: dataDir });
    const second = await runServer({ DATA_DIR: dataDir });
    const health = await fetch(`${first.url}/readyz`);
    await first.stop();
    expect(second).toEqual({
      code: 1,
      output: `Another server (pid ${first.pid}) is running on DATA_DIR ${dataDir}.\n`,
    });
    expect(health.status).toBe(200);
  });

  test.each([
    'PORT',
    'DATABASE_URL',
    'ROLES',
    'LOG_LEVEL',
    'RETENTION_INTERVAL',
    'ARCHIVE_URL',
    'EVENTSTORE_URL',
  ])('for a wrong %s names the setting in one line', async (name) => {
    const { code, output } = await runServer({ DATA_DIR: dataDir, [name]: 'wrong' });
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^${name} must be [^\n]*\\.\n$`));
  });
});

describe('a start', () => {
  test.each([
    [
      'DATABASE_URL',
      'postgres://user:hush@127.0.0.1:1/none',
      'The Postgres of DATABASE_URL cannot be used: ',
    ],
    ['DATABASE_URL', 'postgres://user:hush%@127.0.0.1:1/none', 'DATABASE_URL must be a URL such as '],
    ['DATABASE_URL', 'postgres://user:hush#@127.0.0.1:1/none', 'DATABASE_URL must be a URL such as '],
    [
      'DATABASE_URL',
      'postgres://user:hush@127.0.0.1:1/none?sslrootcert=/nowhere/ca.pem',
      'DATABASE_URL must be a URL such as ',
    ],
    [
      'EVENTSTORE_URL',
      'kurrentdb://user:hush@127.0.0.1:1?tls=false',
      'The KurrentDB of EVENTSTORE_URL cannot be used: ',
    ],
    ['EVENTSTORE_URL', 'kurrentdb://user:hush#@127.0.0.1:1', 'EVENTSTORE_URL must be '],
    ['AUDIT_KEY_FILE', '/nowhere/key.pem', 'AUDIT_KEY_FILE, /nowhere/key.pem, cannot be used: '],
    ['JWT_JWKS', '/nowhere/keys.json', 'JWT_JWKS, /nowhere/keys.json, cannot be used: '],
  ])('with a %s that leads nowhere says so in one line', async (name, value, sentence) => {
    const { code, output } = await runServer({
      DATA_DIR: dataDir,
      JWT_ISSUER: 'it',
      JWT_JWKS: 'k',
      [name]: value,
    });
    expect(code).toBe(1);
    expect(output).toMatch(new RegExp(`^${sentence}(?!.*hush)[^\n]+\\.\n$`));
  });
});

describe('a stop', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)(
    'by %s ends server and Postgres with exit code 0',
    async (signal) => {
      const { child, output } = spawnServer({ DATA_DIR: dataDir });
      await addressOf({ child, output });
      const postmaster = postmasterPid(dataDir);
      expect(await ended(child, signal)).toBe(0);
      expect(isAlive(postmaster)).toBe(false);
      expect(() => announcedPid(dataDir)).toThrow('ENOENT');
    },
  );

  test('answers who waits for a run with the run as it is', async () => {
    const server = await startServer({ DATA_DIR: dataDir });
    const api = new Api(server.url, server.key);
    const waiting = api.post('/runs?wait=true');
    while (((await api.get('/runs')).body['data'] as unknown[]).length === 0) await delay(20);
    expect(await server.stop()).toBe(0);
    expect(await waiting).toMatchObject({ status: 202, body: { status: 'pending' } });
  });

  test('of the supervisor stops the server too, and passes its exit code on', async () => {
    const { child, output } = spawnServer({ DATA_DIR: dataDir }, supervisor);
    await addressOf({ child, output });
    const server = announcedPid(dataDir);
    expect(await ended(child, 'SIGTERM')).toBe(0);
    expect(isAlive(server)).toBe(false);
  });

  test('of npm stops the server too, although npm does not wait for it', async () => {
    const env = { PATH: process.env['PATH'], HOME: tmpdir(), PORT: '0', DATA_DIR: dataDir };
    const child = spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
    await addressOf({ child, output: () => text });
    const server = announcedPid(dataDir);
    await ended(child, 'SIGTERM');
    while (isAlive(server)) await delay(20);
    expect(() => postmasterPid(dataDir)).toThrow('ENOENT');
  });

  test('follows when the supervisor is killed', async () => {
    const { child, output } = spawnServer({ DATA_DIR: dataDir }, supervisor);
    await addressOf({ child, output });
    const server = announcedPid(dataDir);
    await ended(child, 'SIGKILL');
    while (isAlive(server)) await delay(20);
    expect(() => postmasterPid(dataDir)).toThrow('ENOENT');
  });
});

describe('a kill -9', () => {
  test('of the server is followed by another start that finds everything in order', async () => {
    const first = await startServer({ DATA_DIR: dataDir });
    await first.kill();
    const second = await startServer({ DATA_DIR: dataDir });
    expect(second.key).toBe(first.key);
    expect(await second.stop()).toBe(0);
  });

  test('of the server under the supervisor brings it back by itself', async () => {
    const { child, output } = spawnServer({ DATA_DIR: dataDir }, supervisor);
    await addressOf({ child, output });
    const first = announcedPid(dataDir);
    process.kill(first, 'SIGKILL');
    await until(() => output().split('listening on ')[2], { child, output });
    await ready(addressIn(output()) ?? '', child, output);
    expect(announcedPid(dataDir)).not.toBe(first);
    expect(await ended(child, 'SIGTERM')).toBe(0);
  });

  test('of the server brings it back, too, once a database that was away is back', async () => {
    const database = await freshDatabase();
    const { hostname, port } = new URL(database.url);
    const before = await breakableProxy(hostname, Number(port));
    const url = Object.assign(new URL(database.url), {
      hostname: '127.0.0.1',
      port: String(before.port),
    }).href;
    const { child, output } = spawnServer({ DATA_DIR: dataDir, DATABASE_URL: url }, supervisor);
    await addressOf({ child, output });
    await before.close();
    process.kill(announcedPid(dataDir), 'SIGKILL');
    await until(() => /cannot be used: .*\n(.*\n)*.*cannot be used: /.exec(output()) ?? undefined, {
      child,
      output,
    });
    const back = await breakableProxy(hostname, Number(port), before.port);
    await until(() => output().split('listening on ')[2], { child, output });
    await ready(addressIn(output()) ?? '', child, output);
    expect(await ended(child, 'SIGTERM')).toBe(0);
    await back.close();
    await database.drop();
  });

  test('is as well survived as an error that nobody caught', async () => {
    const thrown = `process.on('SIGUSR2', () => { throw new Error('planted') })`;
    const env = {
      DATA_DIR: dataDir,
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(thrown)}`,
    };
    const { child, output } = spawnServer(env, supervisor);
    await addressOf({ child, output });
    process.kill(announcedPid(dataDir), 'SIGUSR2');
    await until(() => output().split('listening on ')[2], { child, output });
    await ready(addressIn(output()) ?? '', child, output);
    expect(output()).toContain('Error: planted');
    expect(output()).toContain('The server ended (exit code 1) and is being started again.');
    expect(await ended(child, 'SIGTERM')).toBe(0);
  });

  test('of Postgres brings it back by itself, while the server stays', async () => {
    const { child, output } = spawnServer({ DATA_DIR: dataDir });
    const url = await addressOf({ child, output });
    const first = postmasterPid(dataDir);
    process.kill(first, 'SIGKILL');
    await until(() => (output().includes('is running again.') ? true : undefined), { child, output });
    await ready(url, child, output);
    expect(postmasterPid(dataDir)).not.toBe(first);
    expect(await ended(child, 'SIGTERM')).toBe(0);
  });
});

describe('an ordinary user', () => {
  const user = ordinaryUser();
  if (typeof user === 'string') {
    test.skip(`starts and stops the server (skipped: ${user})`, () => undefined);
    return;
  }
  test('starts and stops the server', async () => {
    chownSync(dataDir, user.uid, user.gid);
    const { child, output } = spawnServer({ DATA_DIR: dataDir, HOME: dataDir }, user);
    await ready(await addressOf({ child, output }), child, output);
    expect(statSync(join(dataDir, 'postgres')).uid).toBe(user.uid);
    expect(await ended(child, 'SIGTERM')).toBe(0);
  });
});
