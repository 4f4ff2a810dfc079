/** Whose rights the processes of a sandbox have, and by which means their namespaces are made and entered. */
export interface Identity {
  readonly uid: number;
  readonly gid: number;
  readonly isolation: readonly string[];
  readonly unshare: readonly string[];
  readonly nsenter: readonly string[];
  readonly drop: readonly string[];
  /** Hidden besides what the driver was told to hide. */
  readonly hidden: readonly string[];
}

const isolation = [
  'pid_namespace',
  'mount_namespace',
  'ipc_namespace',
  'no_new_privileges',
  'clean_environment',
];
const nobody = 65534;

/** Root gives its power away: to a user whom no file belongs to, without any capability. */
const startedByRoot: Identity = {
  uid: nobody,
  gid: nobody,
  isolation: [...isolation, 'unprivileged_user'],
  unshare: [],
  nsenter: [],
  drop: [
    ...['--reuid', String(nobody), '--regid', String(nobody), '--clear-groups'],
    ...['--no-new-privs', '--inh-caps', '-all', '--bounding-set', '-all'],
  ],
  hidden: [],
};

/**
 * An ordinary user may make the other namespaces only within a user namespace. The first process keeps
 * the capabilities it has there (`--keep-caps`): who has none can then neither trace nor signal it.
 */
function startedByUser(uid: number, gid: number): Identity {
  return {
    uid,
    gid,
    isolation: [...isolation, 'user_namespace'],
    unshare: ['--user', '--map-current-user', '--keep-caps'],
    nsenter: ['--user', '--preserve-credentials'],
    drop: ['--no-new-privs'],
    // A delegated cgroup belongs to the same user, who could lift the limits.
    hidden: ['/sys/fs/cgroup'],
  };
}

/** @throws Error on systems without user ids */
export function identity(): Identity {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  if (uid === undefined || gid === undefined) throw new Error('this system has no user ids');
  return uid === 0 ? startedByRoot : startedByUser(uid, gid);
}
