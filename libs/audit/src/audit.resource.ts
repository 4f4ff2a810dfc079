import { ApiProperty, ApiSchema } from '@nestjs/swagger';
import { type Receipt, receiptFormat } from '#evidence';

/** Something that was changed. */
@ApiSchema({ name: 'Change' })
export class ChangeResource {
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** Principal id of who did it. */
  readonly actor: string;
  /** What has happened: the type of the event. */
  readonly type: string;
  /** Of an event of a run's timeline: which, such as `process.exited`. */
  readonly event_type: string | null;
  readonly event_id: string;
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  /** The request or event that made it happen. */
  readonly causation_id: string;
  /** The whole piece of work that it belongs to. */
  readonly correlation_id: string;
  /** Why, in the words of who did it. */
  readonly reason: string | null;
}

/** A request that has read something, or was refused. */
@ApiSchema({ name: 'Access' })
export class AccessResource {
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  /** Principal id; null when nobody knows who it was. */
  readonly actor: string | null;
  readonly method: string;
  /** The pattern of the route, such as `/v1/runs/:id`. */
  readonly route: string;
  readonly resource_id: string | null;
  /** HTTP status of the answer. */
  readonly status: number;
  /** Code of the problem that it was refused with. */
  readonly code: string | null;
  readonly request_id: string;
}

/** A public key that checkpoints and exports are checked with. */
@ApiSchema({ name: 'AuditKey' })
export class AuditKeyResource {
  /** SHA-256 of the key in SPKI form, in hexadecimal. */
  readonly id: string;
  /** Ed25519, base64 of the SPKI form. */
  readonly public_key: string;
  /** Whether this server signs with it. */
  readonly current: boolean;
}

/** The root of the tree over all events at one size, signed. */
@ApiSchema({ name: 'Checkpoint' })
export class CheckpointResource {
  /** How many events it covers. */
  readonly size: number;
  /** Position of the last of them, as decimal digits. */
  readonly position: string;
  /** SHA-256, in hexadecimal. */
  readonly root: string;
  /** RFC 3339 UTC with milliseconds. */
  readonly at: string;
  readonly key_id: string;
  /** Ed25519, base64. */
  readonly signature: string;
}

/** Shows without a server that an event was stored. */
@ApiSchema({ name: 'Receipt' })
export class ReceiptResource implements Receipt {
  @ApiProperty({ enum: [receiptFormat] })
  readonly format: typeof receiptFormat;
  /** The event as in an export: a JSON document, with the hash of it in the tree. */
  readonly line: string;
  /** The hashes beside its way to the root of the tree, lowest first, in hexadecimal. */
  readonly path: string[];
  readonly checkpoint: CheckpointResource;
  /** That has signed the checkpoint: Ed25519, base64 of the SPKI form. */
  readonly public_key: string;
}
