import { below, type Row } from '../row.js';

/** Fills what the kernel keeps for a socket (some 4 MB) well before the measured time is over. */
const load = { followers: 1, every: 20, bytes: 2_500 };

export const neverRead: Row = {
  name: 'never-read-500',
  measure: async (bench) => {
    const { neverReading, neverReadingSeconds: seconds } = bench.options;
    const alone = await bench.follow({ run: await bench.createRun(), ...load });
    const run = await bench.createRun();
    await bench.catchUp();
    await bench.forgetPeakMemory();
    const before = await bench.residentMemory();
    const beside = await bench.follow({ run, ...load, neverReading, seconds });
    const grown = (await bench.peakMemory()) - before;
    const { p50_ms, p99_ms } = beside;
    return {
      figures: [
        { name: `server memory grown by, beside ${neverReading} that never read`, value: grown, unit: 'MB' },
        { name: 'another follower', value: p50_ms, unit: 'ms', p50_ms, p99_ms },
      ],
      references: [{ ...alone, name: 'the same follower alone', value: alone.p50_ms, unit: 'ms' }],
      targets: [below('server memory grows by < 100 MB', grown, 100)],
    };
  },
};
