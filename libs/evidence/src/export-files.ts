import type { Signed } from './signing.js';

/** The tree at one size, signed. */
export interface Checkpoint extends Signed {
  /** How many events it covers: those numbered 0 to `size - 1`. */
  readonly size: number;
  /** Position of the last of them in the store that they came from, as decimal digits. */
  readonly position: string;
  /** SHA-256, in hexadecimal. */
  readonly root: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
}

export const checkpointKind = 'checkpoint v1';
export const manifestKind = 'manifest v1';
export const exportFormat = 'runledger-export/1';

export interface FileDigest {
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** The files of an export, beside `manifest.json`. */
export const exportFiles = { events: 'events.ndjson', checkpoints: 'checkpoints.ndjson' } as const;
export const manifestFile = 'manifest.json';

/** What an export holds, signed by the server that made it. */
export interface Manifest extends Signed {
  readonly format: typeof exportFormat;
  readonly exported_at: string;
  /** `instance`, or the id of the project behind `project:`; what belongs to others is withheld. */
  readonly scope: string;
  /** The tree in front of the first event of this export. */
  readonly start: { readonly size: number; readonly peaks: readonly string[] };
  /** The size of the tree at the end of this export. */
  readonly size: number;
  /** How many events are shown, and how many are in the tree alone: purged, of others, or secret. */
  readonly events: number;
  readonly withheld: number;
  readonly files: Readonly<Record<(typeof exportFiles)[keyof typeof exportFiles], FileDigest>>;
  /** The keys that have signed the checkpoints and this. */
  readonly keys: Readonly<Record<string, string>>;
}

/** The one way in which a manifest is written to its file. */
export const manifestText = (manifest: Manifest): string => `${JSON.stringify(manifest, null, 2)}\n`;
