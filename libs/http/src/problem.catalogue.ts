export interface CatalogueEntry {
  readonly status: number;
  readonly title: string;
  /** Whether the very same request may succeed later. */
  readonly retryable: boolean;
  readonly meaning: string;
}

const refused = (status: number, title: string, meaning: string): CatalogueEntry => ({
  status,
  title,
  retryable: false,
  meaning,
});
const later = (status: number, title: string, meaning: string): CatalogueEntry => ({
  status,
  title,
  retryable: true,
  meaning,
});

/** Every code that an answer can carry. docs/problems.md says the same, and a test compares the two. */
export const catalogue = {
  bad_request: refused(
    400,
    'Bad request',
    'The request is not well-formed HTTP, or its path cannot be decoded.',
  ),
  malformed_json: refused(400, 'Malformed JSON', 'The body is not JSON in UTF-8.'),
  validation_failed: refused(
    400,
    'Validation failed',
    'Fields or parameters are unknown, missing or have wrong values.',
  ),
  invalid_cursor: refused(
    400,
    'Invalid cursor',
    'The cursor is broken, or was made for another path or other filters.',
  ),
  invalid_consistency_token: refused(
    400,
    'Invalid consistency token',
    'The consistency token is not one of ours.',
  ),
  invalid_idempotency_key: refused(
    400,
    'Invalid idempotency key',
    'The Idempotency-Key is not 1 to 255 visible ASCII characters.',
  ),
  unknown_event_type: refused(
    400,
    'Unknown event type',
    'The event type is unknown, or only the service writes it.',
  ),
  reserved_slug: refused(400, 'Reserved slug', 'Slugs that begin with rl- are kept for the service itself.'),
  unauthenticated: refused(401, 'Unauthenticated', 'No valid API key or token came with the request.'),
  forbidden: refused(403, 'Forbidden', 'The role of the caller may not do this.'),
  detached_not_allowed: refused(
    403,
    'Detached not allowed',
    'The sandbox was not opened with allow_detached.',
  ),
  producer_fenced: refused(403, 'Producer fenced', 'A newer epoch of this producer has appended already.'),
  not_found: refused(404, 'Not found', 'Nothing the caller may see is there.'),
  method_not_allowed: refused(405, 'Method not allowed', 'The resource does not know this method.'),
  external_id_taken: refused(409, 'External id taken', 'A session of another user has this external id.'),
  alias_taken: refused(409, 'Alias taken', "The alias names another user's session."),
  project_exists: refused(409, 'Project exists', 'A project with this id is there already.'),
  session_busy: later(409, 'Session busy', 'A run holds the session, or runs in one to be forked.'),
  session_paused: refused(409, 'Session paused', 'The session has used up its budget.'),
  legal_hold: refused(409, 'Legal hold', 'A legal hold keeps what was to be removed.'),
  illegal_transition: refused(
    409,
    'Illegal transition',
    'The run cannot go from its status to the one asked for.',
  ),
  run_terminal: refused(409, 'Run is terminal', 'The run has ended and takes no more events.'),
  sandbox_exists: refused(409, 'Sandbox exists', 'The run has a sandbox that is not closed.'),
  sandbox_closed: later(
    409,
    'Sandbox closed',
    'The sandbox is being closed; another can be opened once it is.',
  ),
  too_many_processes: later(409, 'Too many processes', 'The sandbox runs as many processes as it may.'),
  too_many_schedules: refused(
    409,
    'Too many schedules',
    'The session has as many active schedules as it may.',
  ),
  process_ended: refused(409, 'Process ended', 'The process has ended.'),
  stdin_closed: refused(409, 'Standard input closed', 'Nothing more can be given to the process to read.'),
  lease_lost: refused(409, 'Lease lost', 'The lease has expired, was taken over, or ended with the run.'),
  subagent_name_taken: refused(
    409,
    'Sub-agent name taken',
    'Another sub-agent of the same session has this name.',
  ),
  slug_taken: refused(409, 'Slug taken', 'Another mount of the project has this slug.'),
  producer_gap: refused(409, 'Producer gap', 'A request of this producer is missing before this one.'),
  nothing_to_compact: refused(409, 'Nothing to compact', 'The transcript has no segment.'),
  not_pending: refused(409, 'Not pending', 'The interaction has been answered or has ended already.'),
  not_rebuildable: refused(
    409,
    'Not rebuildable',
    'A projection that has no rows of its own cannot be built anew.',
  ),
  already_running: later(409, 'Already running', 'The same work is being done already.'),
  webhook_disabled: refused(
    409,
    'Webhook disabled',
    'The webhook is disabled, or has lost its secret by an import: nothing is sent to it.',
  ),
  idempotency_key_in_progress: later(
    409,
    'Idempotency key in progress',
    'The first request with this key is still running.',
  ),
  revision_conflict: later(409, 'Revision conflict', 'Others kept changing the resource at the same moment.'),
  session_deleted: refused(410, 'Session deleted', 'The session has been deleted.'),
  gone: refused(410, 'Gone', 'Retention has removed what was asked for.'),
  revision_mismatch: refused(
    412,
    'Revision mismatch',
    'The resource is not at the revision that If-Match names.',
  ),
  payload_too_large: refused(
    413,
    'Payload too large',
    'The body, or a part of it, is larger than the limit in the detail.',
  ),
  unsupported_media_type: refused(
    415,
    'Unsupported media type',
    'The route does not take a body of this Content-Type or Content-Encoding.',
  ),
  unknown_reference: refused(
    422,
    'Unknown reference',
    'An id in the body names nothing that the caller may use.',
  ),
  session_id_required: refused(
    422,
    'Session id required',
    'The list is one of a session, which must be named.',
  ),
  unknown_command: refused(422, 'Unknown command', 'The session knows no such command.'),
  limit_not_enforceable: refused(
    422,
    'Limit not enforceable',
    'The host cannot hold processes to a limit that was asked for; the detail says why.',
  ),
  idempotency_key_reused: refused(
    422,
    'Idempotency key reused',
    'The key came before with another method, path or body.',
  ),
  rate_limited: later(
    429,
    'Rate limited',
    'The caller has sent too many requests, or there was no room for a large body or answer beside the others.',
  ),
  internal: later(500, 'Internal error', 'The server failed; its log has more under the request id.'),
  store_unavailable: later(503, 'Store unavailable', 'The event store cannot be reached.'),
  no_host: later(503, 'No host', 'No host took the sandbox in time: none is running, or all are busy.'),
  sandbox_unavailable: later(
    503,
    'Sandbox unavailable',
    'The host could not open the sandbox; the detail says why.',
  ),
  projection_lagging: later(
    503,
    'Projection lagging',
    'The read model has not come to the consistency token within 5 s, or is still being built.',
  ),
} satisfies Record<string, CatalogueEntry>;

export type ProblemCode = keyof typeof catalogue;

export const isProblemCode = (code: string): code is ProblemCode => Object.hasOwn(catalogue, code);
