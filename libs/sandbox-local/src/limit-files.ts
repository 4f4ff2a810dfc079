import type { LimitName } from '#processes';

/** What to write into which file of a cgroup; `optional` ones are not in every kernel. */
export interface LimitFile {
  readonly file: string;
  readonly value: string;
  readonly optional?: boolean;
}

export const controllers: Record<LimitName, string> = { cpu_cores: 'cpu', memory_mb: 'memory', pids: 'pids' };

const period = 100_000;

/** How a limit is told to a cgroup of version 1 or 2. Memory means memory and swap together. */
export function limitFiles(version: 1 | 2, limit: LimitName, amount: number): LimitFile[] {
  const bytes = String(Math.floor(amount * 1024 * 1024));
  const quota = String(Math.max(1_000, Math.round(amount * period)));
  switch (limit) {
    case 'pids':
      return [{ file: 'pids.max', value: String(Math.floor(amount)) }];
    case 'memory_mb':
      return version === 1
        ? [
            { file: 'memory.limit_in_bytes', value: bytes },
            { file: 'memory.memsw.limit_in_bytes', value: bytes, optional: true },
          ]
        : [
            { file: 'memory.max', value: bytes },
            { file: 'memory.swap.max', value: '0', optional: true },
          ];
    case 'cpu_cores':
      return version === 1
        ? [
            { file: 'cpu.cfs_period_us', value: String(period) },
            { file: 'cpu.cfs_quota_us', value: quota },
          ]
        : [{ file: 'cpu.max', value: `${quota} ${period}` }];
  }
}
