/**
 * Turns of processes that append to the same stream. Who does so without a pause has always stored something before
 * another has read, decided and appended: that one would never be in time. Asked for a turn, it makes a pause.
 * These are of a process that is alone.
 */
export class StreamTurns {
  /**
   * Tells the other processes that one here always comes too late to append to a stream.
   * @param times how often the same command has asked, this time included
   */
  ask(_stream: string, _times: number): void {
    return;
  }

  /** What to wait for before more is appended to a stream: the turn of another process, if it asked for one. */
  ofOthers(_stream: string): Promise<void> | undefined {
    return undefined;
  }
}
