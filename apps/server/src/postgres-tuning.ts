/** An event store writes all the time and never in place: a large log, few checkpoints, eager vacuuming. */
export const tuning = {
  fsync: 'on',
  synchronous_commit: 'on',
  shared_buffers: '256MB',
  max_connections: '200',
  max_wal_size: '4GB',
  min_wal_size: '512MB',
  wal_compression: 'pglz',
  checkpoint_timeout: '15min',
  checkpoint_completion_target: '0.9',
  jit: 'off',
  autovacuum: 'on',
  autovacuum_naptime: '10s',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  password_encryption: 'scram-sha-256',
  // Failed statements are told to the caller; in a log they would be other people's data.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  log_checkpoints: 'off',
};
