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

/**
 * Becomes the command: $1 work folder, $2 folder to start in, $3 search path, then the command. Tells on
 * descriptor 3 whether it can. The variables of the request come as RUNLEDGER_ENV_<n> and get their names
 * here, since no program outside of the sandbox may see an LD_PRELOAD of theirs.
 */
export function commanding(variables: number): string {
  const named = Array.from({ length: variables }, (_, n) => `command export "$RUNLEDGER_ENV_${n}"`);
  const unnamed = Array.from({ length: variables }, (_, n) => `RUNLEDGER_ENV_${n}`);
  return `
umask 022
cannot() {
  echo "$1 $2" >&3
  exit "$1"
}
cd -P -- "$2" 2>/dev/null || cannot 126 'The working directory does not exist, or may not be entered.'
case $PWD/ in
  "$1"/*) ;;
  *) cannot 126 'The working directory is outside of the work folder.' ;;
esac
rl_left=$3:
shift 3
case $1 in
  */*)
    [ -e "$1" ] || cannot 127 'The command does not exist.'
    [ -f "$1" ] && [ -x "$1" ] || cannot 126 'The command is not executable.'
    ;;
  *)
    rl_code=127 rl_why='The command was not found in PATH.'
    while [ -n "$rl_left" ] && [ "$rl_code" -ne 0 ]; do
      rl_file=\${rl_left%%:*}
      rl_left=\${rl_left#*:}
      rl_file=\${rl_file:-.}/$1
      [ -f "$rl_file" ] || continue
      if [ -x "$rl_file" ]; then rl_code=0; else rl_code=126 rl_why='The command is not executable.'; fi
    done
    [ "$rl_code" -eq 0 ] || cannot "$rl_code" "$rl_why"
    ;;
esac
echo started >&3
exec 3>&-
unset OLDPWD
${named.join('\n')}
unset ${unnamed.join(' ')}
exec "$@"
`;
}

/** SIGTERM to every process of the sandbox, then waits until only itself and the first one are left. */
export const terminating = `
kill -TERM -1
while set -- /proc/[0-9]*; [ $# -gt 2 ]; do sleep 0.02; done
`;
