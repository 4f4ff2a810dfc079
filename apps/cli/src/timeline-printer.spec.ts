import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Output } from './output.js';
import type { TimelineEvent } from './timeline-event.js';
import { TimelinePrinter } from './timeline-printer.js';

const run = '01990000-0000-7000-8000-000000abcdef';
const time = '\\d{4}-\\d{2}-\\d{2} \\d{2}:\\d{2}:\\d{2}';

const printed = async (
  events: readonly Partial<TimelineEvent>[],
  { colours = false, nameRuns = false } = {},
): Promise<string> => {
  let text = '';
  const out: Output = {
    terminal: true,
    colours,
    write: (piece) => {
      text += String(piece);
      return Promise.resolve();
    },
  };
  const printer = new TimelinePrinter(out, nameRuns);
  for (const [n, event] of events.entries()) {
    const given = { type: 'x.a', run_id: run, created_at: '2026-01-05T10:00:00.000Z', data: {} };
    await printer.print({ ...given, sequence_number: n + 1, ...event });
  }
  await printer.endLine();
  return text;
};

/** What is printed behind the times. */
const shown = async (...events: Partial<TimelineEvent>[]): Promise<string> =>
  (await printed(events)).replace(new RegExp(`${time} +`, 'g'), '');

const delta = (text: string, more: Partial<TimelineEvent> = {}): Partial<TimelineEvent> => ({
  type: 'message.output.delta',
  data: { delta: text },
  ...more,
});

describe('timeline printer', () => {
  it('prints an event as one line: time, number, type and what matters', async () => {
    const line = new RegExp(`^${time}     1  user               Hello\n$`);
    expect(await printed([{ type: 'user', data: { text: 'Hello', mood: 'good' } }])).toMatch(line);
  });

  it.each([
    ['tool_call.started', { tool_use_id: 'a', name: 'grep', arguments: { q: 1 } }, 'grep  {"q":1}  a'],
    ['tool_call.failed', { tool_use_id: 'a', error: { code: 'no', message: 'No.' } }, 'a  no: No.'],
    ['action_plan', { steps: [{ title: 'Read' }, { title: 'Write' }] }, '1. Read  2. Write'],
    ['run.created', { kind: 'job', source: 'cli', metadata: {} }, 'job  cli'],
    ['run.failed', { from: 'running', error: { code: 'exit_1', message: 'bad' } }, 'exit_1: bad'],
    ['permission', { operation: 'ask', tool_id: 't', tool_input: [1] }, 'ask  t  [1]'],
    ['run.updated', { metadata: { a: 1 } }, '{"metadata":{"a":1}}'],
    ['x.own', {}, ''],
    ['x.own', { n: 1 }, '{"n":1}'],
  ])('tells of %s what matters', async (type, data, essence) => {
    expect(await shown({ type, data })).toBe(`${`1  ${type.padEnd(17)}  ${essence}`.trimEnd()}\n`);
  });

  it('shows text that comes in pieces as it grows, and ends its line before anything else', async () => {
    expect(await shown(delta('Hel'), delta('lo\nwor'), delta('ld'), { type: 'x.b' }, delta('more'))).toBe(
      '1  message.output.delta  Hello\nworld\n4  x.b\n5  message.output.delta  more\n',
    );
  });

  it('leaves no empty line behind a text that has ended its last line', async () => {
    expect(await shown(delta('Hello\n'), delta(''), { type: 'x.b' })).toBe(
      '1  message.output.delta  Hello\n3  x.b\n',
    );
  });

  it('keeps apart the texts of two runs that come side by side', async () => {
    const other = { run_id: run.replace('abcdef', '123456') };
    expect((await shown(delta('a'), delta('b', other), delta('c'))).match(/ [abc]\n/g)).toEqual([
      ...[' a\n', ' b\n', ' c\n'],
    ]);
  });

  it('tells the end of the run’s id where there are several', async () => {
    const text = await printed([{ type: 'x.a' }], { nameRuns: true });
    expect(text).toContain('    1  abcdef  x.a');
  });

  it('cuts what is long between characters, and shows that it did', async () => {
    const text = '👩‍🚀'.repeat(201);
    expect(await shown({ type: 'user', data: { text } })).toMatch(/ (👩‍🚀){200}…\n$/u);
    expect(await shown({ type: 'user', data: { text: 'x'.repeat(200) } })).toMatch(/ x{200}\n$/);
  });

  it('never lets data command the terminal', async () => {
    const dangerous = fc.string({
      unit: fc.constantFrom('a', '\x1b', '\x07', '\r', '\u009b', '\u202e', '\x7f'),
    });
    await fc.assert(
      fc.asyncProperty(dangerous, async (text) => {
        const events = [
          delta(text),
          { type: `x.${text}`, data: { [text]: text } },
          { type: 'user', data: { text } },
          { type: 'run.failed', data: { error: { code: text, message: text } } },
        ];
        const lines = await printed(events, { nameRuns: true });
        expect(lines).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
      }),
    );
    expect(await shown({ type: 'user', data: { text: 'a\x1b[2J\r\nb' } })).toContain('a\\u001b[2J\\r\\nb');
  });

  it('paints only where colours are wanted', async () => {
    expect(await printed([{ type: 'run.failed' }], { colours: true })).toContain('\x1b[31mrun.failed');
    expect(await printed([{ type: 'run.failed' }])).not.toContain('\x1b');
  });
});
