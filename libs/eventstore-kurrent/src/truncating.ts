import {
  type AppendStreamState,
  BACKWARDS,
  END,
  jsonEvent,
  NO_STREAM,
  WrongExpectedVersionError,
} from '@kurrent/kurrentdb-client';
import type { Clients } from './clients.js';
import { isAbsent, mapped } from './errors.js';
import { byAnyClock, ofLeader } from './events.js';
import { readStream } from './reading.js';

/**
 * Raises `$tb` in the metadata of the stream, and keeps what else stands there. Not beyond what is
 * stored: that would hide what is written later. @throws StoreUnavailable
 */
export async function truncateBefore(clients: Clients, stream: string, revision: number): Promise<void> {
  for await (const last of readStream(clients, stream, { direction: 'backwards', limit: 1 })) {
    await raise(clients, `$$${stream}`, Math.min(revision, last.revision + 1));
  }
}

async function raise(clients: Clients, metastream: string, revision: number): Promise<void> {
  for (;;) {
    try {
      const { metadata, version } = await newest(clients, metastream);
      if (Number(metadata['$tb'] ?? 0) >= revision) return;
      const event = jsonEvent({ type: '$metadata', data: { ...metadata, $tb: revision } });
      const options = { streamState: version, ...byAnyClock };
      const { success } = await clients.append(metastream, [event], options);
      // With `throwOnAppendFailure=false` a refusal is no error.
      if (success) return;
    } catch (error) {
      // Somebody else wrote metadata in between: look again.
      if (!(error instanceof WrongExpectedVersionError)) throw mapped(error);
    }
  }
}

interface Metadata {
  readonly metadata: Record<string, unknown>;
  readonly version: AppendStreamState;
}

/** The client's own `getStreamMetadata` tells a position where its type promises the revision. */
async function newest(clients: Clients, metastream: string): Promise<Metadata> {
  const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, ...ofLeader } as const;
  const none: Metadata = { metadata: {}, version: NO_STREAM };
  try {
    return await clients.read(async (reader) => {
      for await (const { event } of reader.readStream(metastream, options)) {
        if (event) return { metadata: event.data as Record<string, unknown>, version: event.revision };
      }
      return none;
    });
  } catch (error) {
    if (!isAbsent(error)) throw error;
    return none;
  }
}
