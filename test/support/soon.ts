/**
 * Does something with a time that lies shortly ahead, and again with later ones while it comes too late for them,
 * as it may on a busy machine.
 * @param attempt answers undefined when its time was over
 */
export async function soon<T>(attempt: (at: string) => Promise<T | undefined>): Promise<T> {
  for (let ahead = 300; ; ahead *= 2) {
    const done = await attempt(new Date(Date.now() + ahead).toISOString());
    if (done !== undefined) return done;
  }
}

/** Every second from one moment up to another, in milliseconds since 1970: when a schedule of every second is due. */
export const secondsFrom = (first: string, until: number): string[] =>
  Array.from({ length: Math.max(0, Math.floor((until - Date.parse(first)) / 1_000) + 1) }, (_, n) =>
    new Date(Date.parse(first) + n * 1_000).toISOString(),
  );
