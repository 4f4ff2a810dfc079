import { afterEach, expect, test } from '@jest/globals';
import { Receiver } from '../../../test/support/receiver.js';
import { Poster } from './poster.js';

let receiver: Receiver | undefined;

afterEach(async () => {
  await receiver?.stop();
});

test('an answer whose body never ends is an answer all the same, and its connection is closed', async () => {
  let closed: Promise<void> | undefined;
  receiver = await Receiver.start((response) => {
    closed = new Promise((resolve) => response.once('close', resolve));
    response.writeHead(202).write('so far');
  });
  const { signal } = new AbortController();
  expect(await new Poster(true).post(receiver.url, '{}', {}, signal)).toEqual({
    status: 202,
    body: 'so far',
  });
  await closed;
});
