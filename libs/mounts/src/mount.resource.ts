import { ApiSchema } from '@nestjs/swagger';
import type { JsonObject } from '#eventsourcing';
import type { MountState } from './mount.decider.js';

/** A named area of a session, as the API shows it: a pointer, whose content is kept elsewhere. */
@ApiSchema({ name: 'Mount' })
export class MountResource {
  id: string;
  project_id: string;
  session_id: string;
  user_id: string;
  slug: string;
  name: string | null;
  uri: string;
  read_only: boolean;
  metadata: JsonObject;
  archived_at: string | null;
  created_at: string;
  updated_at: string;
  revision: number;
}

/** A mount as the API shows it. */
export const mountResource = (mount: MountState): MountResource => ({ ...mount });
