import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ensure } from './ensure.mjs';

const server = join(resolve(import.meta.dirname, '..'), 'dist/server/main.js');

// Room for the garbage of requests in flight: fewer collections, a tenth more requests. What outlives them is
// little, and collected before it has grown to more than 1.6 times that: by itself Node lets it become 4 times.
// Nothing is born old: V8 learns from the batches of projectors that rows live long and puts every row of every
// query into the old heap, where dead ones keep alive all they hold (a quarter fewer lists, three times their p99).
const flags = readFileSync(join(import.meta.dirname, 'node-flags.txt'), 'utf8')
  .trim()
  .split(' ');

// A server that ran this long was well: what killed it is no reason to hesitate.
const wellAfter = 60_000;

const cannotStart = 78;

let child;
let hasRun = false;
let asked = false;
let waiting;
let pause = 100;

/** Passes a stop on; a second one too, at which the server leaves at once. */
function forward(signal) {
  asked = true;
  if (waiting) process.exit(0);
  child?.kill(signal);
}

function run() {
  waiting = undefined;
  const since = Date.now();
  // The channel carries nothing: by its end the server notices that we are gone.
  // A session of its own keeps a terminal's Ctrl-C from reaching it twice, once through us.
  child = spawn(process.execPath, [...flags, server], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
  child.on('exit', (code, signal) => {
    // It has said what is wrong, and it would be again; but for one that could start before, whose database is away.
    if (code === cannotStart && !hasRun) process.exit(1);
    hasRun ||= code !== cannotStart;
    if (asked || code === 0) process.exit(code ?? 1);
    if (Date.now() - since > wellAfter) pause = 100;
    process.stderr.write(`The server ended (${signal ?? `exit code ${code}`}) and is being started again.\n`);
    waiting = setTimeout(run, pause);
    pause = Math.min(pause * 2, 2_000);
  });
}

process.on('SIGTERM', forward).on('SIGINT', forward).on('SIGHUP', forward);
// npm passes a stop on to the shell between it and us alone, which dies of it and tells nobody.
if (process.env.npm_lifecycle_event === 'start') {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    forward('SIGTERM');
  }, 250);
}
ensure();
run();
