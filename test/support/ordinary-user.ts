import { spawnSync } from 'node:child_process';

export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** An account without rights, when we are root and it can read what it would have to run; else why there is none. */
export function ordinaryUser(): User | string {
  if (process.getuid?.() !== 0) return 'the tests run as an ordinary user already';
  const nobody = { uid: 65_534, gid: 65_534 };
  const probe = spawnSync(process.execPath, ['dist/apps/server/src/settings.js'], nobody);
  return probe.status === 0 ? nobody : 'nobody may not enter the folder of the project, or of Node';
}
