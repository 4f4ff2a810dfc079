import { Readable } from 'node:stream';
import { expect, it } from '@jest/globals';
import type { Output } from './output.js';
import { printList, printOne } from './table.js';

const title = 'a\u001b[31m\u009b31m\u202eb';

/** What a terminal is given. */
const shown = async (print: (out: Output) => Promise<void>): Promise<string> => {
  let all = '';
  const write = (text: string | Uint8Array) => Promise.resolve(void (all += String(text)));
  await print({ terminal: true, colours: false, write });
  return all;
};

const printed = (json: boolean): Promise<string> => shown((out) => printOne(out, { title }, json));

it('lets no stored text command the terminal or turn the writing around', async () => {
  expect(await printed(false)).toBe('title  a\\u001b[31m\\u009b31m\\u202eb\n');
});

it('says the same in JSON', async () => {
  const text = await printed(true);
  expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  expect(JSON.parse(text)).toEqual({ title });
});

it.each([
  ['ascii', 5],
  ['会话', 4],
  ['ｆｕｌｌ', 8],
  ['한국', 4],
  ['\u1112\u1161\u11ab', 2],
  ['e\u0301t', 2],
  ['zero\u200bwidth', 9],
  ['👩\u200d👩\u200d👧\u200d👦', 2],
  ['👍🏽', 2],
  ['🇩🇪', 2],
  ['⚙\ufe0f', 2],
  ['\u0007', 6],
])('leaves as much room for %j as a terminal shows it in: %i columns', async (name, width) => {
  const rows = Readable.from([
    { name, next: '|' },
    { name: '1234567890', next: '|' },
  ]) as AsyncIterable<{ name: string }>;
  const lines = (await shown((out) => printList(out, rows, ['name', 'next'], false))).split('\n');
  expect(lines[1]).toMatch(new RegExp(`^\\S+ {${12 - width}}\\|$`));
});
