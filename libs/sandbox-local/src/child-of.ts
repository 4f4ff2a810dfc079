import { readFileSync, readdirSync } from 'node:fs';

function parentOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  } catch {
    return undefined;
  }
}

/** The only child of a process; undefined when there is none. Pids grow, so it is looked for behind its parent's. */
export function childOf(parent: number): number | undefined {
  const pids = readdirSync('/proc').map(Number).filter(Number.isInteger);
  const after = pids.filter((pid) => pid > parent).sort((a, b) => a - b);
  const before = pids.filter((pid) => pid < parent);
  return [...after, ...before].find((pid) => parentOf(pid) === parent);
}
