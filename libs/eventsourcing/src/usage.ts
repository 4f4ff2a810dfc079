import type { JsonObject } from './event.js';

/** What models were used for: in one answer, in a run, in a session. */
export interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_creation_tokens: number;
  readonly cost_usd: number;
}

export const noUsage: Usage = {
  input_tokens: 0,
  output_tokens: 0,
  cache_read_tokens: 0,
  cache_creation_tokens: 0,
  cost_usd: 0,
};

export const usageKeys = Object.keys(noUsage) as (keyof Usage)[];

/** The tokens and dollars that an event of a timeline reports, to be added to those before; undefined when it reports none. */
export function reportedUsage(type: string, { usage }: JsonObject): Partial<Usage> | undefined {
  if (type !== 'message.output.completed' && type !== 'completion') return undefined;
  return (usage as Partial<Usage> | null | undefined) ?? undefined;
}

/** Adds usage to a sum, and takes away what it stands for. */
export function summedUsage(sum: Usage, more: Partial<Usage>, less: Partial<Usage> = {}): Usage {
  return Object.fromEntries(
    usageKeys.map((key) => [key, rounded(sum[key] + (more[key] ?? 0) - (less[key] ?? 0))]),
  ) as unknown as Usage;
}

/** Sums of dollars must not show binary fractions: kept to a billionth. */
const rounded = (n: number): number => (Number.isInteger(n) ? n : Math.round(n * 1e9) / 1e9);
