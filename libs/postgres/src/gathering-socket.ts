import { Socket } from 'node:net';

/**
 * A connection that sends the statements of one turn of the event loop by one system call. The driver writes
 * each between `cork` and `uncork`; statements without a name or values it sends by themselves.
 */
export class GatheringSocket extends Socket {
  override uncork(): void {
    process.nextTick(() => {
      super.uncork();
    });
  }
}
