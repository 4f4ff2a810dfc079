/**
 * What comes back when a value is written as JSON and read again. Its texts are shared with it: long ones cost
 * nothing, however often that is done.
 */
export function throughJson(value: unknown): unknown {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null || 'toJSON' in value) {
    const json = JSON.stringify(value) as string | undefined;
    return json === undefined ? undefined : JSON.parse(json);
  }
  if (Array.isArray(value)) return value.map((one: unknown) => throughJson(one) ?? null);
  const read = Object.entries(value).map(([name, one]) => [name, throughJson(one)] as const);
  return Object.fromEntries(read.filter(([, one]) => one !== undefined));
}
