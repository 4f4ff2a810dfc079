/**
 * The first process of a sandbox: $1 work folder, $2 folder for /tmp, then what to hide. It ends as
 * `cat`, which ends when its input does: the service. Where SIGCHLD is ignored the kernel reaps the orphans.
 */
export const firstProcess = `
set -eu
work=$1
cd "$work"
mount -t proc -o nosuid,nodev,noexec proc /proc
mount --bind "$2" /tmp
[ ! -d /dev/shm ] || mount -t tmpfs -o mode=1777,nosuid,nodev shm /dev/shm
shift 2
for hidden do
  [ ! -d "$hidden" ] || mount -t tmpfs -o mode=755,size=1m,nosuid,nodev hidden "$hidden"
done
if [ ! . -ef "$work" ]; then
  mkdir -p "$work"
  mount --no-canonicalize --bind . "$work"
fi
echo ready
exec env --ignore-signal=CHLD cat >/dev/null 2>&1
`;

/** Joins the cgroups that the $1 descriptors from 4 on lead to, while it may still; then becomes the rest. */
export const joining = `
left=$1
shift
while [ "$left" -gt 0 ]; do
  fd=$((left + 3))
  echo 0 >&$fd || exit 126
  eval "exec $fd>&-"
  left=$((left - 1))
done
exec "$@"
`;

/** SIGTERM to every process of the sandbox, then waits until only itself and the first one are left. */
export const terminating = `
kill -TERM -1
while set -- /proc/[0-9]*; [ $# -gt 2 ]; do sleep 0.02; done
`;
