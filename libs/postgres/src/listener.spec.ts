import { getEventListeners } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expect, jest, test } from '@jest/globals';
import { until } from '../../../test/support/supervised-service.js';
import { Listener } from './listener.js';

test('a connection that comes to nothing leaves nothing on the signal by which all are ended', async () => {
  let tries = 0;
  const refusing = createServer((socket) => {
    tries++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
  const { port } = refusing.address() as AddressInfo;
  const added = jest.spyOn(AbortSignal.prototype, 'addEventListener');
  const listener = new Listener(`postgres://postgres@127.0.0.1:${port}/none`, 'test', () => undefined);
  await until(() => tries === 3);
  const most = Math.max(
    ...added.mock.contexts.map((signal) => getEventListeners(signal as AbortSignal, 'abort').length),
  );
  added.mockRestore();
  await listener.close();
  refusing.close();
  expect(most).toBe(1);
});
