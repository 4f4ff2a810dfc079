import { readFileSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { constants, setPriority } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';

const level = constants.priority.PRIORITY_BELOW_NORMAL;
/** Linux takes a change of this kind once in 100 ms, from whoever may not administer it: so many are tried. */
const tries = 100;
const againAfter = 100;

/**
 * Has a process give way to all others that want the processor. On Linux its niceness counts among the processes of
 * its session alone, and that of the session among the sessions (`autogroup`, sched(7)): so it should lead one.
 * Where that is not permitted it goes on as it is.
 */
export async function runInBackground(pid: number): Promise<void> {
  try {
    setPriority(pid, level);
    for (let left = tries; left > 0 && !setSession(pid); left--) await pause(againAfter);
  } catch {
    // It is gone, or another user's, or no Linux is there.
  }
}

/** Whether it is set now, and not only later. @throws Error where it cannot be */
function setSession(pid: number): boolean {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(level));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
    throw error;
  }
}

/**
 * The same for the process of Postgres that serves a connection, if it is one of this machine. That leads a session.
 * @param client connected
 */
export async function serveInBackground(client: Client): Promise<void> {
  // Who has lost the connection is told so by its own statements.
  const pid = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid').then(
    ({ rows }) => rows[0]?.pid,
    () => undefined,
  );
  const { stream } = client.connection;
  if (pid === undefined || !(stream instanceof Socket)) return;
  // Another machine, or container, has processes of the same number; and a pooler keeps connections for others.
  const title = titleOf(pid);
  if (title.startsWith('postgres: ') && title.includes(`(${String(stream.localPort)})`)) {
    await runInBackground(pid);
  }
}

const titleOf = (pid: number): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
};
