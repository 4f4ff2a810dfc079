import type { Bench } from './bench.js';
import type { LoadResult } from './generate.js';

export interface Figure {
  readonly name: string;
  /** In the unit. */
  readonly value: number;
  readonly unit: string;
  readonly p50_ms?: number;
  readonly p99_ms?: number;
}

export interface Target {
  /** As the issue words it. */
  readonly text: string;
  readonly reached: number;
  readonly met: boolean;
}

/** One row of the table, beside the references of the same run. */
export interface Measured {
  readonly figures: readonly Figure[];
  readonly references: readonly Figure[];
  readonly targets: readonly Target[];
}

export interface Row {
  readonly name: string;
  readonly measure: (bench: Bench) => Promise<Measured>;
}

export const atLeast = (text: string, reached: number, limit: number): Target => ({
  text,
  reached,
  met: reached >= limit,
});

export const below = (text: string, reached: number, limit: number): Target => ({
  text,
  reached,
  met: reached < limit,
});

export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
};

/**
 * Measures all in turn, round after round (A B A B ...), so that a machine that slows down slows
 * all of them; answers the medians.
 */
export const interleaved = async <Name extends string>(
  rounds: number,
  measures: Readonly<Record<Name, () => Promise<LoadResult>>>,
): Promise<Record<Name, Figure>> => {
  const names = Object.keys(measures) as Name[];
  const results = new Map(names.map((name) => [name, [] as LoadResult[]]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) results.get(name)?.push(await measures[name]());
  }
  const figures = [...results].map(([name, all]) => [
    name,
    {
      name,
      unit: 'requests/s',
      value: median(all.map((one) => one.per_second)),
      p50_ms: median(all.map((one) => one.p50_ms)),
      p99_ms: median(all.map((one) => one.p99_ms)),
    },
  ]);
  return Object.fromEntries(figures) as Record<Name, Figure>;
};
