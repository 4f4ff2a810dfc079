import { ApiSchema } from '@nestjs/swagger';
import type { SubagentStatus } from './session.events.js';

/** What models were used for. */
@ApiSchema({ name: 'Usage' })
export class UsageResource {
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_creation_tokens: number;
  cost_usd: number;
}

@ApiSchema({ name: 'ForkedFrom' })
export class ForkedFromResource {
  session_id: string;
  sequence_number: number;
}

@ApiSchema({ name: 'SessionBudget' })
export class SessionBudgetResource {
  /** Input and output tokens together. */
  max_tokens: number | null;
  max_cost_usd: number | null;
  used_tokens: number;
  used_cost_usd: number;
}

@ApiSchema({ name: 'NetworkAccess' })
export class NetworkAccessResource {
  allowed: string[];
  blocked: string[];
}

@ApiSchema({ name: 'InitialFile' })
export class InitialFileResource {
  path: string;
  content: string;
  encoding?: 'text' | 'base64' | null;
  is_readonly?: boolean | null;
}

@ApiSchema({ name: 'Subagent' })
export class SubagentResource {
  name: string;
  task: string | null;
  status: SubagentStatus;
}
