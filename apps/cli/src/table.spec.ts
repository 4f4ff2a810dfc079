import { expect, it } from '@jest/globals';
import { printOne } from './table.js';

const title = 'a\u001b[31m\u009b31m\u202eb';

const printed = async (json: boolean): Promise<string> => {
  let all = '';
  const write = (text: string | Uint8Array) => Promise.resolve(void (all += String(text)));
  await printOne({ terminal: true, colours: false, write }, { title }, json);
  return all;
};

it('lets no stored text command the terminal or turn the writing around', async () => {
  expect(await printed(false)).toBe('title  a\\u001b[31m\\u009b31m\\u202eb\n');
});

it('says the same in JSON', async () => {
  const text = await printed(true);
  expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u);
  expect(JSON.parse(text)).toEqual({ title });
});
