/** Every latency of one measurement, kept one by one, so that percentiles are exact. */
export class Latencies {
  private readonly milliseconds: number[] = [];

  add(milliseconds: number): void {
    this.milliseconds.push(milliseconds);
  }

  get count(): number {
    return this.milliseconds.length;
  }

  /** The smallest latency that at least this share (0..1) of all does not exceed, in milliseconds, by nearest rank; 0 when there is none. */
  percentiles(...shares: readonly number[]): number[] {
    const sorted = Float64Array.from(this.milliseconds).sort();
    return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  }
}
