import { types } from 'node:util';
import { StoreUnavailable } from '#eventsourcing';

/** SQLSTATE classes and codes that say nothing of the statement, only that the server was not there for it. */
const gone = /^(08...|53...|57P0[1-5]|25006)$/;
const network = /^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOENT)/;
const client =
  /connection terminated|not queryable|timeout exceeded when trying to connect|client was closed/i;

/**
 * Turns an error of the connection, as opposed to one of the statement, into StoreUnavailable. Node's own are of another
 * realm where modules run in a context of their own, as under jest: no `instanceof` knows those.
 */
export function unavailable(error: unknown): unknown {
  if (!types.isNativeError(error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (gone.test(code) || network.test(code) || client.test(error.message)) {
    return new StoreUnavailable('the database does not answer', { cause: error });
  }
  return error;
}
