/** An event stays below the 1 MB that KurrentDB takes by default, in bytes of its data. */
export const eventBytes = 900_000;

/** Cuts what is to be stored into runs that each fit into one event; no member is cut. */
export function cutForEvents<T>(members: readonly T[], bytesOf: (member: T) => number): T[][] {
  const result: T[][] = [];
  let size = Infinity;
  for (const member of members) {
    const bytes = bytesOf(member);
    if (size + bytes > eventBytes) {
      result.push([]);
      size = 0;
    }
    result.at(-1)?.push(member);
    size += bytes;
  }
  return result;
}
