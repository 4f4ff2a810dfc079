import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessEnd, ProcessSpec, Sandbox, SandboxDriver, SandboxSpec } from './sandbox-driver.js';

/** What the contract needs of a driver's spec. */
export interface SandboxHarness {
  readonly driver: SandboxDriver;
  /** The path of a file that exists on the host, in a folder that sandboxes are not to see. */
  readonly secretFile: string;
  /** Another process that opens a sandbox and starts these shell scripts in it; resolves once all run. */
  host(scripts: readonly string[]): Promise<ChildProcess>;
  close(): Promise<void>;
}

const open = new Set<Sandbox>();

/** A sandbox for one test, closed after it. */
export async function openSandbox(
  { driver }: SandboxHarness,
  spec: Partial<SandboxSpec> = {},
): Promise<Sandbox> {
  const sandbox = await driver.open({ id: randomUUID(), limits: {}, bestEffort: false, ...spec });
  open.add(sandbox);
  return sandbox;
}

export async function closeSandboxes(): Promise<void> {
  await Promise.all([...open].map((sandbox) => sandbox.close(0)));
  open.clear();
}

export const sh = (script: string, more: Partial<ProcessSpec> = {}): ProcessSpec => ({
  command: 'sh',
  args: ['-c', script],
  env: {},
  ...more,
});

/** Runs a process to its end. */
export async function run(
  sandbox: Sandbox,
  spec: ProcessSpec,
): Promise<ProcessEnd & { stdout: string; stderr: string }> {
  const { stdin, stdout, stderr, ended } = await sandbox.start(spec);
  stdin.end();
  const [out, err, end] = await Promise.all([buffer(stdout), buffer(stderr), ended]);
  return { ...end, stdout: out.toString(), stderr: err.toString() };
}

/** Waits for what processes bring about. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(20);
}

/** A command line that runs until it is killed by force, and is found by its marker. */
export const lasting = (marker: string) =>
  `sh -c 'trap "" TERM HUP INT; while :; do sleep 1; done' ${marker}`;

export const newMarker = () => `marker-${randomUUID()}`;

/** How many processes of this machine carry the marker. What is dead and not reaped yet has no command line. */
export function alive(marker: string): number {
  return readdirSync('/proc').filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0').includes(marker);
    } catch {
      return false;
    }
  }).length;
}

/** Ways to get out of the reach of who started one. Each runs one process with the marker, and lasts. */
export function runaways(marker: string): string[] {
  const command = lasting(marker);
  return [
    `exec ${command}`,
    `setsid ${command} & wait`,
    `nohup ${command} >/dev/null 2>&1 & wait`,
    `(setsid ${command} </dev/null >/dev/null 2>&1 &) & wait`,
    `${command} & kill -STOP $$`,
    `exec >&- 2>&- <&-; ${command} & wait`,
  ];
}
