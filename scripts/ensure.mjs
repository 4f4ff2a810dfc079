import { spawnSync } from 'node:child_process';
import { statSync, utimesSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isBuilt } from './newest.mjs';

const root = resolve(import.meta.dirname, '..');

const changed = (path) => statSync(join(root, path), { throwIfNoEntry: false })?.mtimeMs ?? 0;

function run(what, command, args) {
  process.stderr.write(`${what}\n`);
  const windows = process.platform === 'win32';
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell: windows });
  if (status === 0) return;
  const reason = error ? `: ${error.message}` : '';
  process.stderr.write(`Stopped: \`${[command, ...args].join(' ')}\` failed${reason}.\n`);
  process.exit(1);
}

/** Installs the packages and compiles the sources, each only when needed. Leaves the process with 1 when that fails. */
export function ensure() {
  if (changed('node_modules/.package-lock.json') < changed('package-lock.json')) {
    // Not `npm ci`: it refuses a lock without the builds for other platforms, which not every registry has.
    // This takes the locked versions too, and leaves the lock as it is.
    run('Installing packages ...', 'npm', ['install', '--no-save', '--loglevel=error']);
    // npm leaves the file alone when it finds nothing to do.
    utimesSync(join(root, 'node_modules/.package-lock.json'), new Date(), new Date());
  }
  if (!isBuilt(root)) run('Building ...', process.execPath, [join(root, 'scripts/build.mjs')]);
}

if (process.argv[1] && import.meta.url === pathToFileURL(resolve(process.argv[1])).href) ensure();
