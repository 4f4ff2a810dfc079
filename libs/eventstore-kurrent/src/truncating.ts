import {
  type AppendStreamState,
  BACKWARDS,
  END,
  jsonEvent,
  type KurrentDBClient,
  NO_STREAM,
  WrongExpectedVersionError,
} from '@kurrent/kurrentdb-client';
import { isAbsent, mapped } from './errors.js';
import { byAnyClock, ofLeader } from './events.js';
import { readStream } from './reading.js';

/**
 * Raises `$tb` in the metadata of the stream, and keeps what else stands there. Not beyond what is
 * stored: that would hide what is written later. @throws StoreUnavailable
 */
export async function truncateBefore(
  client: KurrentDBClient,
  stream: string,
  revision: number,
): Promise<void> {
  for await (const last of readStream(client, stream, { direction: 'backwards', limit: 1 })) {
    await raise(client, `$$${stream}`, Math.min(revision, last.revision + 1));
  }
}

async function raise(client: KurrentDBClient, metastream: string, revision: number): Promise<void> {
  for (;;) {
    try {
      const { metadata, version } = await newest(client, metastream);
      if (Number(metadata['$tb'] ?? 0) >= revision) return;
      const event = jsonEvent({ type: '$metadata', data: { ...metadata, $tb: revision } });
      await client.appendToStream(metastream, event, { streamState: version, ...byAnyClock });
      return;
    } catch (error) {
      // Somebody else wrote metadata in between: look again.
      if (!(error instanceof WrongExpectedVersionError)) throw mapped(error);
    }
  }
}

/** The client's own `getStreamMetadata` tells a position where its type promises the revision. */
async function newest(
  client: KurrentDBClient,
  metastream: string,
): Promise<{ metadata: Record<string, unknown>; version: AppendStreamState }> {
  const options = { direction: BACKWARDS, fromRevision: END, maxCount: 1, ...ofLeader } as const;
  try {
    for await (const { event } of client.readStream(metastream, options)) {
      if (event) return { metadata: event.data as Record<string, unknown>, version: event.revision };
    }
  } catch (error) {
    if (!isAbsent(error)) throw error;
  }
  return { metadata: {}, version: NO_STREAM };
}
