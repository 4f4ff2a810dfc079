import type { SegmentRetention } from './transcript.resource.js';

/** What keeps a segment. No rule of retention exists, so that every segment is kept. */
export const retentionOf = (): SegmentRetention => ({
  policy: null,
  expires_at: null,
  legal_hold: false,
  state: 'live',
});
