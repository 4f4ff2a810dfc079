import type { Streams } from '#eventsourcing';
import type { RemovalRecord, Sharer } from '#retention';
import { sessionDecider, sessionStream } from '#sessions';
import { transcriptDecider } from './transcript.decider.js';
import { transcriptStream } from './transcript.events.js';
import { transcriptForksDecider } from './transcript-forks.decider.js';
import { transcriptForksStream } from './transcript-forks.events.js';

/** Segments of one transcript. */
export type SegmentRange = Pick<RemovalRecord, 'id' | 'after_seq' | 'through_seq'>;

/** A fork whose making broke off can still be made by the same request, as long as its Idempotency-Key is known. */
const unbornHours = 24;

/** The forks that still show some of what is to be removed, deleted ones too, as the streams have it. */
export async function stillShown(
  streams: Streams,
  { id, after_seq, through_seq }: SegmentRange,
): Promise<Sharer[]> {
  const sharers: Sharer[] = [];
  const { state: forks } = await streams.load(transcriptForksDecider, transcriptForksStream(id));
  for (const [session_id, fork] of forks) {
    if (fork.through_seq <= after_seq) continue;
    const { state: session } = await streams.load(sessionDecider, sessionStream(session_id));
    if (session === undefined) {
      const live = Date.parse(fork.since) > Date.now() - unbornHours * 3_600_000;
      sharers.push({ session_id, user_id: null, live });
      continue;
    }
    const { state } = await streams.load(transcriptDecider, transcriptStream(session_id));
    const shows = state.shared.some(
      (range) => range.owner === id && range.after_seq < through_seq && range.through_seq > after_seq,
    );
    if (shows) sharers.push({ session_id, user_id: session.user_id, live: session.deleted_at === null });
  }
  return sharers;
}

/**
 * The same of a piece `s` of the subject `b` in the part `p`, as JSON by SQL over the read models, where the making of a
 * fork is taken to have broken off after a day too.
 */
export const sharersSql = `(
  SELECT coalesce(json_agg(json_build_object('session_id', l.transcript_id, 'user_id', f.user_id,
    'live', coalesce(f.live, l.since > now() - interval '${unbornHours} hours'))), '[]')
  FROM transcripts.lineage l LEFT JOIN sessions.sessions f ON f.id = l.transcript_id
  WHERE p.owner_id = b.id AND l.owner_id = b.id AND l.after_seq < s.last_seq AND l.through_seq >= s.first_seq)`;
