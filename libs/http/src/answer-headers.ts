const header = (description: string) => ({ description, schema: { type: 'string' } }) as const;

/** What the OpenAPI document says of the headers of an answer that shows one resource, ... */
export const etagged = { ETag: header('"<revision>.<digest>"') };

/** ... of one that tells where to find what was made or begun, ... */
export const located = { Location: header('Path of what was made or begun.') };

/** ... of one that shows what was made, ... */
export const made = { ...located, ...etagged };

/** ... of one to a change, ... */
export const tokened = {
  'Consistency-Token': header('To be sent with a read that must see this change; not where nothing changes.'),
};

/** ... of one that may be that of an earlier request, ... */
export const replayed = {
  'Idempotent-Replayed': header('`true` when the answer is that of the first request with this key.'),
};

/** ... of one that refuses, ... */
export const refused = {
  'Accept-Encoding': header('With 415, where what was sent is compressed: how it is taken.'),
  Allow: header('With 405: the methods that the path has.'),
  'RateLimit-Limit': header('Requests a minute that the caller has, where that is limited.'),
  'RateLimit-Remaining': header('How many of them are left.'),
  'RateLimit-Reset': header('Seconds until all of them are there again.'),
  'Retry-After': header('Seconds to wait, where the same request may succeed later.'),
  'WWW-Authenticate': header('With 401.'),
};

/** ... and of every one. */
export const traced = { 'X-Request-Id': header('Names this request in the log.') };
