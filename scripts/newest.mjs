import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';

const sources = [
  'apps',
  'libs',
  'test',
  'bench',
  'scripts',
  'examples',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'nest-cli.json',
];

/** Time of the last change below a path, in milliseconds since 1970; 0 where there is nothing. A removed file counts, by its folder. */
function newestBelow(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat) return 0;
  if (!stat.isDirectory()) return stat.mtimeMs;
  if (basename(path) === 'results') return 0; // what a benchmark writes
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestBelow(join(path, name))),
    stat.mtimeMs,
  );
}

/** Time of the last change to anything that the build reads, in milliseconds since 1970. */
export function newestSource(root) {
  return Math.max(...sources.map((name) => newestBelow(join(root, name))));
}

/** Holds the time of the sources that dist was built from. */
export const stampFile = 'dist/.built';

/** Whether dist was built from the sources as they are now. */
export function isBuilt(root) {
  const stamp = join(root, stampFile);
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === String(newestSource(root));
}
