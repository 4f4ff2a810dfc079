import { posix } from 'node:path';
import type { ProcessSpec } from './sandbox-driver.js';

/**
 * Becomes the command: $1 work folder, $2 folder to start in, $3 search path, then the command. Tells on
 * descriptor 3 its pid and whether it can. The variables of the request come as RUNLEDGER_ENV_<n> and get their names
 * here, since no program outside of the sandbox may see an LD_PRELOAD of theirs.
 */
function script(variables: number): string {
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
echo "started $$" >&3
exec 3>&-
unset OLDPWD
${named.join('\n')}
unset ${unnamed.join(' ')}
exec "$@"
`;
}

export interface CommandLine {
  readonly argv: readonly string[];
  /** All that the environment is to hold, besides a PATH in which `sh` is found. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * What a driver runs within the sandbox, and with its rights, to get a process going there: a shell that
 * tells on descriptor 3 `started <pid>`, or the exit code and why, and then becomes the command.
 * @param clean the environment of a process that adds nothing
 * @throws RangeError when the name of a variable is not letters, digits and `_`
 */
export function commandLine(
  workdir: string,
  { command, args, env, cwd = '' }: ProcessSpec,
  clean: Readonly<Record<string, string>> & { readonly PATH: string },
): CommandLine {
  const wrong = Object.keys(env).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (wrong !== undefined) throw new RangeError(`${wrong} cannot be the name of an environment variable.`);
  const whole: Record<string, string> & { PATH: string } = { ...clean, ...env };
  const entries = Object.entries(whole).map(([name, value]) => `${name}=${value}`);
  const given = [workdir, posix.join(workdir, cwd), whole.PATH, command, ...args];
  return {
    argv: ['sh', '-c', script(entries.length), 'sh', ...given],
    env: Object.fromEntries(entries.map((entry, n) => [`RUNLEDGER_ENV_${n}`, entry])),
  };
}

/** @param told what was told on descriptor 3 */
export function readTold(told: string): { pid: number } | { exit_code: number; reason: string } {
  const [first = '', ...rest] = told.trim().split(' ');
  return first === 'started'
    ? { pid: Number(rest[0]) }
    : { exit_code: Number(first), reason: rest.join(' ') };
}
