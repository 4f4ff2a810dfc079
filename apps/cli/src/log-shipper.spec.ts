import { describe, expect, it } from '@jest/globals';
import { type LogEntry, LogShipper } from './log-shipper.js';

const entries = (count: number, message = 'x'): LogEntry[] =>
  Array.from({ length: count }, () => ({ ts: '2026-01-01T00:00:00.000Z', stream: 'stdout', message }));

const sentBy = async (
  options: { maxEntries?: number; maxBytes?: number },
  ...added: readonly LogEntry[][]
): Promise<{ size: number; sequence: number }[]> => {
  const sent: { size: number; sequence: number }[] = [];
  const shipper = new LogShipper({
    ...options,
    send: (batch, sequence) => {
      sent.push({ size: batch.length, sequence });
      return Promise.resolve();
    },
  });
  for (const some of added) await shipper.add(some);
  await shipper.finish();
  return sent;
};

describe('log shipper', () => {
  it('sends nothing when nothing was added', async () => {
    expect(await sentBy({})).toEqual([]);
  });

  it('gathers what is added shortly after another into one batch', async () => {
    expect(await sentBy({}, entries(2), entries(3))).toEqual([{ size: 5, sequence: 0 }]);
  });

  it('ends a batch at the most entries, and numbers batches from 0', async () => {
    expect(await sentBy({ maxEntries: 2 }, entries(5))).toEqual([
      { size: 2, sequence: 0 },
      { size: 2, sequence: 1 },
      { size: 1, sequence: 2 },
    ]);
  });

  it('ends a batch at the most bytes, and sends a longer message alone', async () => {
    const batches = await sentBy({ maxBytes: 500 }, [
      ...entries(1),
      ...entries(1, 'x'.repeat(1000)),
      ...entries(1),
    ]);
    expect(batches.map(({ size }) => size)).toEqual([1, 1, 1]);
  });

  it('sends a batch when its time is over, without a finish', async () => {
    const sent = await new Promise<number>((resolve) => {
      const shipper = new LogShipper({
        waitMilliseconds: 1,
        send: (batch) => {
          resolve(batch.length);
          return Promise.resolve();
        },
      });
      void shipper.add(entries(1));
    });
    expect(sent).toBe(1);
  });

  it('makes its caller wait while too much waits to be sent', async () => {
    const order: string[] = [];
    let store = (): void => undefined;
    const stored = new Promise<void>((resolve) => {
      store = resolve;
    });
    let started = (): void => undefined;
    const sending = new Promise<void>((resolve) => {
      started = resolve;
    });
    const shipper = new LogShipper({
      maxBufferedBytes: 50,
      maxEntries: 1,
      send: async () => {
        started();
        await stored;
        order.push('stored');
      },
    });
    const added = shipper.add(entries(1)).then(() => order.push('room'));
    await sending;
    store();
    await added;
    expect(order).toEqual(['stored', 'room']);
    await shipper.finish();
  });

  it('lets its caller go on, drops the rest and tells it at the end once a batch has failed for good', async () => {
    const shipper = new LogShipper({
      maxBufferedBytes: 50,
      maxEntries: 1,
      send: () => Promise.reject(new Error('gone')),
    });
    await shipper.add(entries(3));
    await shipper.add(entries(3));
    await expect(shipper.finish()).rejects.toThrow('gone');
  });
});
