import 'reflect-metadata';
import { setTimeout as delay } from 'node:timers/promises';
import { createApp } from './app.js';
import { EmbeddedPostgres } from './embedded-postgres.js';
import { announce, bootstrapKey, greeting, unannounce } from './first-start.js';
import { lockDataDir } from './instance-lock.js';
import { type Settings, readSettings } from './settings.js';
import { StartProblem, codeOf } from './start-problem.js';
import { usableDatabase } from './usable-database.js';

const drainLimit = 10_000;

/** Told apart from the 1 of an uncaught error, after which another start may well be right. */
const cannotStart = 78; // EX_CONFIG of sysexits.h

/** What has been started, newest last; stopping goes the other way round. */
const started: (() => unknown)[] = [];

async function start(settings: Settings): Promise<void> {
  started.push(lockDataDir(settings.dataDir));
  const key = bootstrapKey(settings);
  const databaseUrl =
    settings.databaseUrl === undefined
      ? await startPostgres(settings)
      : await usableDatabase(settings.databaseUrl);
  const app = await createApp({ settings, databaseUrl, bootstrapKey: key.key });
  started.push(() => Promise.race([app.close(), delay(drainLimit, undefined, { ref: false })]));
  const url = await app.listen();
  announce(settings.dataDir, url);
  started.push(() => {
    unannounce(settings.dataDir);
  });
  process.stdout.write(greeting(url, key));
}

async function startPostgres({ dataDir }: Settings): Promise<string> {
  const postgres = await EmbeddedPostgres.start({ dataDir, notice: complain });
  started.push(() => postgres.stop());
  return postgres.url;
}

async function stop(): Promise<void> {
  for (let undo = started.pop(); undo; undo = started.pop()) await undo();
}

function complain(sentence: string): void {
  process.stderr.write(`${sentence}\n`);
}

/** One sentence for what the person who started us can mend; all the rest is a bug, and needs its stack. */
function explain(error: unknown, settings: Settings | undefined): string {
  if (error instanceof StartProblem) return error.message;
  const address = settings ? `${settings.host}:${settings.port}` : '';
  switch (codeOf(error)) {
    case 'EADDRINUSE':
      return `${address} is in use by another program; stop that or set PORT to another.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `HOST ${settings?.host ?? ''} is no address of this machine.`;
    case 'EACCES':
      return `We may not listen on ${address}; set PORT to 1024 or above.`;
    default:
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
}

/** Drains and leaves with 0; asked a second time, leaves at once. */
class Leaving {
  asked = false;
  starting: Promise<void> = Promise.resolve();

  readonly once = (): void => {
    if (!this.asked) void this.leave();
  };

  readonly orAtOnce = (): void => {
    if (this.asked) process.exit(1);
    void this.leave();
  };

  private async leave(): Promise<void> {
    this.asked = true;
    // A start under way is let finish, so that nothing comes up behind our back.
    await this.starting.catch(() => undefined);
    await stop();
    process.exit(0);
  }
}

async function main(): Promise<void> {
  const leaving = new Leaving();
  process.on('SIGTERM', leaving.orAtOnce).on('SIGINT', leaving.orAtOnce);
  // Whoever supervises us is gone: nobody would restart or stop us from here on.
  process.on('disconnect', leaving.once);
  let settings: Settings | undefined;
  try {
    settings = readSettings(process.env);
    leaving.starting = start(settings);
    await leaving.starting;
  } catch (error) {
    // Last, below whatever is logged on the way.
    await stop().finally(() => {
      complain(explain(error, settings));
    });
    process.exit(cannotStart);
  }
}

await main();
