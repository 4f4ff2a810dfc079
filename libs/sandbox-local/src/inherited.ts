import { openSync, readFileSync, readdirSync } from 'node:fs';

const closeOnExec = 0o2000000;

/** Descriptors above 2 that every child of this process would inherit, since whoever started it left them open. */
function inherited(): number[] {
  const numbers = readdirSync('/proc/self/fdinfo').map(Number);
  return numbers.filter((fd) => {
    if (fd <= 2) return false;
    try {
      const flags = /^flags:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
      return (Number.parseInt(flags, 8) & closeOnExec) === 0;
    } catch {
      return false; // It was the one of this listing.
    }
  });
}

let shadows: { readonly fds: readonly number[]; readonly nothing: number } | undefined;

/** `stdio` for a child, with nothing (/dev/null) in the place of what it would inherit behind that. */
export function sealed(stdio: readonly ('pipe' | 'ignore' | number)[]): ('pipe' | 'ignore' | number)[] {
  shadows ??= { fds: inherited(), nothing: openSync('/dev/null', 'r') };
  const whole = [...stdio];
  for (const fd of shadows.fds) {
    while (whole.length <= fd) whole.push('ignore');
    if (fd >= stdio.length) whole[fd] = shadows.nothing;
  }
  return whole;
}
