import type { Json } from '#eventsourcing';
import { isObject } from '#http';
import type { SessionState } from './session.decider.js';

type Setup = Pick<
  SessionState,
  'capabilities' | 'tools' | 'mcp_servers' | 'initial_files' | 'network_access' | 'blueprint_id' | 'subagent'
>;

/**
 * What a client may offer in this session, computed whenever it is read: what its set-up has, and what its
 * capabilities say of themselves (`{"features": ["file_system"]}`). Sorted, each once.
 */
export function featuresOf(setup: Setup): string[] {
  const own = Object.entries({
    blueprint: setup.blueprint_id !== null,
    client_tools: setup.tools.length > 0,
    initial_files: setup.initial_files.length > 0,
    mcp_servers: Object.keys(setup.mcp_servers).length > 0,
    network_access: setup.network_access !== null,
    subagent: setup.subagent !== null,
  }).flatMap(([feature, has]) => (has ? [feature] : []));
  return [...new Set([...own, ...setup.capabilities.flatMap(said)])].sort();
}

function said(capability: Json): string[] {
  if (!isObject(capability) || !Array.isArray(capability['features'])) return [];
  return capability['features'].filter((feature) => typeof feature === 'string');
}
