import { posix } from 'node:path';
import type { ProcessSpec } from './sandbox-driver.js';

/**
 * Becomes the command: $1 work folder, $2 folder to start in, $3 search path, then the command. Tells on
 * descriptor 3 its pid and whether it can. The variables of the request come under the names of carriers and get their
 * own here, since no program outside of the sandbox may see an LD_PRELOAD of theirs.
 */
function script(carriers: readonly string[]): string {
  const named = carriers.map((carrier) => `command export "$${carrier}"`);
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
unset ${carriers.join(' ')}
exec "$@"
`;
}

export interface CommandLine {
  readonly argv: readonly string[];
  /** All that the environment is to hold, besides a PATH in which `sh` is found. */
  readonly env: Readonly<Record<string, string>>;
}

/** Bytes of one argument, or of one variable with its name, that Linux takes: MAX_ARG_STRLEN less the byte that ends it. */
const mostBytes = 128 * 1024 - 1;

/** @throws RangeError */
function expectShort(what: string, text: string, most: number): void {
  const bytes = Buffer.byteLength(text);
  if (bytes > most) throw new RangeError(`${what} has ${bytes} bytes; the system takes at most ${most}.`);
}

/**
 * What a driver runs within the sandbox, and with its rights, to get a process going there: a shell that
 * tells on descriptor 3 `started <pid>`, or the exit code and why, and then becomes the command.
 * @param clean the environment of a process that adds nothing
 * @throws RangeError when the name of a variable is not letters, digits and `_`, and when a text is too long
 */
export function commandLine(
  workdir: string,
  { command, args, env, cwd = '' }: ProcessSpec,
  clean: Readonly<Record<string, string>> & { readonly PATH: string },
): CommandLine {
  const wrong = Object.keys(env).find((name) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (wrong !== undefined) throw new RangeError(`${wrong} cannot be the name of an environment variable.`);
  for (const [n, arg] of args.entries()) expectShort(`args[${n}]`, arg, mostBytes);
  const whole: Record<string, string> & { PATH: string } = { ...clean, ...env };
  let prefix = 'RUNLEDGER_ENV_';
  while (Object.keys(whole).some((name) => name.startsWith(prefix))) prefix += '_';
  const room = mostBytes - `${prefix}${Object.keys(whole).length}=`.length;
  const carried = Object.entries(whole).map(([name, value], n): [string, string] => {
    const text = `${name}=${value}`;
    expectShort(`The variable ${name} with its name`, text, room);
    return [`${prefix}${n}`, text];
  });
  const given = [workdir, posix.join(workdir, cwd), whole.PATH, command, ...args];
  return {
    argv: ['sh', '-c', script(carried.map(([carrier]) => carrier)), 'sh', ...given],
    env: Object.fromEntries(carried),
  };
}

/** @param told what was told on descriptor 3 */
export function readTold(told: string): { pid: number } | { exit_code: number; reason: string } {
  const [first = '', ...rest] = told.trim().split(' ');
  return first === 'started'
    ? { pid: Number(rest[0]) }
    : { exit_code: Number(first), reason: rest.join(' ') };
}
