/** How many are acted on at once: enough to share round trips and commits, too few to hold up requests. */
const atOnce = 32;

/**
 * Acts on each of many that do not depend on one another.
 * @returns what came of each, in their order @throws what one of them throws; what is left is not begun then
 */
export async function together<Item, Result>(
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let n = 0; n < items.length; n += atOnce) {
    results.push(...(await Promise.all(items.slice(n, n + atOnce).map(act))));
  }
  return results;
}
