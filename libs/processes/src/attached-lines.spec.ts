import { expect, test } from '@jest/globals';
import { type RecordedEvent, Streams } from '#eventsourcing';
import type { LogAppended } from '#logs';
import { MemoryEventStore } from '../../../test/support/memory-event-store.js';
import { AttachedLines } from './attached-lines.js';

const process = { process_id: 'p', run_id: 'r' };
const onBehalf = { project: 'default', correlationId: 'c' };

/** The messages that become of what is written. */
async function messagesOf(...writes: readonly string[]): Promise<string[]> {
  const store = new MemoryEventStore();
  const lines = new AttachedLines(new Streams(store), process, 'stdout', onBehalf);
  for (const text of writes) await lines.write(Buffer.from(text));
  await lines.end();
  return store.events.flatMap((event) =>
    (event as RecordedEvent<LogAppended>).data.entries.map(({ message }) => message),
  );
}

test('a line ends with LF or CRLF, the last one may end with the output', async () => {
  expect(await messagesOf('a\nb\r', '\n\nc\rd\r\ne\r')).toEqual(['a', 'b', '', 'c\rd', 'e']);
});

test.each([
  ['characters of two units', `x${'😀'.repeat(200_000)}`],
  ['returns', '\r'.repeat(300_000)],
])('a line of %s that is too long is cut, and nothing of it is altered', async (_, line) => {
  const messages = await messagesOf(line, 'z\n');
  expect(messages.length).toBeGreaterThan(1);
  expect(messages.filter((message) => Buffer.from(message).toString() !== message)).toEqual([]);
  expect(messages.join('') === `${line}z`).toBe(true);
});
