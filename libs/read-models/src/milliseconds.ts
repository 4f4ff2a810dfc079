/** Milliseconds since 1970 of an RFC 3339 time; digits beyond the third, which `Date.parse` drops, as a fraction. */
export function milliseconds(time: string): number {
  const beyond = /\.\d{3}(\d+)/.exec(time)?.[1];
  return Date.parse(time) + (beyond === undefined ? 0 : Number(`0.${beyond}`));
}
