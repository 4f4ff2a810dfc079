import type { Fact } from '#eventsourcing';

/** What must not be removed: one of the three. */
export interface HoldSubject {
  readonly session_id?: string;
  readonly run_id?: string;
  readonly user_id?: string;
}

export type LegalHoldPlaced = Fact<
  'LegalHoldPlaced',
  {
    readonly hold_id: string;
    readonly project_id: string;
    readonly subject: HoldSubject;
    readonly reason: string;
  }
>;
export type LegalHoldReleased = Fact<
  'LegalHoldReleased',
  { readonly hold_id: string; readonly reason?: string }
>;

/** The facts of a stream `legalHolds-<project>`: all holds of the project, so that one look tells which stand. */
export type LegalHoldFact = LegalHoldPlaced | LegalHoldReleased;

export const legalHoldStreams = 'legalHolds-';
export const legalHoldStream = (projectId: string): string => `${legalHoldStreams}${projectId}`;
