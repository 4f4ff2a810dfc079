import { describe, expect, test } from '@jest/globals';
import { readSettings } from './settings.js';

describe('the settings', () => {
  test('need nothing to be set', () => {
    expect(readSettings({})).toEqual({
      port: 8080,
      host: '127.0.0.1',
      dataDir: `${process.cwd()}/.data`,
      roles: new Set(['api', 'projector', 'host', 'sweeper']),
      sandboxDriver: 'local',
      logLevel: 'info',
      retentionIntervalMs: 3_600_000,
      auditKeyFile: `${process.cwd()}/.data/audit-key.pem`,
      auditAccessDays: 365,
      webhooksAllowPrivate: false,
    });
  });

  test('an empty one is an unset one', () => {
    expect(readSettings({ PORT: '', DATABASE_URL: ' ' })).toEqual(readSettings({}));
  });

  test('are all taken from the environment', () => {
    const env = {
      PORT: '0',
      HOST: '::1',
      DATA_DIR: '/var/lib/runledger',
      DATABASE_URL: 'postgres://someone:secret@db:5432/runledger',
      EVENTSTORE_URL: 'kurrentdb://a:2113,b:2113?tls=false',
      ROLES: 'api, sweeper',
      BOOTSTRAP_API_KEY: 'a-key-of-some-length',
      SANDBOX_DRIVER: 'docker',
      LOG_LEVEL: 'debug',
      RETENTION_INTERVAL: 'P1DT2H3M4.5S',
      ARCHIVE_URL: 's3://bucket/folder',
      AUDIT_KEY_FILE: '/etc/runledger/audit.pem',
      AUDIT_ACCESS_DAYS: '30',
      WEBHOOKS_ALLOW_PRIVATE: 'true',
      RATE_LIMIT: '600',
      JWT_ISSUER: 'https://id.example.com/',
      JWT_AUDIENCE: 'ledger',
      JWT_JWKS: 'https://id.example.com/keys.json',
    };
    expect(readSettings(env)).toEqual({
      port: 0,
      host: '::1',
      dataDir: '/var/lib/runledger',
      databaseUrl: env.DATABASE_URL,
      eventStoreUrl: env.EVENTSTORE_URL,
      roles: new Set(['api', 'sweeper']),
      bootstrapApiKey: env.BOOTSTRAP_API_KEY,
      sandboxDriver: 'docker',
      logLevel: 'debug',
      retentionIntervalMs: 93_784_500,
      archiveUrl: env.ARCHIVE_URL,
      auditKeyFile: '/etc/runledger/audit.pem',
      auditAccessDays: 30,
      webhooksAllowPrivate: true,
      rateLimit: 600,
      tokens: { issuer: env.JWT_ISSUER, audience: env.JWT_AUDIENCE, jwks: env.JWT_JWKS },
    });
  });

  test.each([
    ['PORT', '80x', 'a whole number from 0 to 65535, not "80x"'],
    ['PORT', '65536', 'a whole number from 0 to 65535'],
    ['HOST', 'http://here', 'an IP address or a host name'],
    ['DATABASE_URL', 'mysql://db', 'a URL that starts with postgres:// or postgresql://'],
    ['EVENTSTORE_URL', 'http://db', 'a URL that starts with kurrentdb://'],
    ['RATE_LIMIT', '0', 'a whole number from 1 to 999999999, not "0"'],
    ['ROLES', 'api,queen', 'a comma-separated list of api, projector, host, sweeper, not "queen"'],
    ['ROLES', ' ', 'a comma-separated list of api, projector, host, sweeper, not ""'],
    ['BOOTSTRAP_API_KEY', 'short', '16 to 255 visible ASCII characters'],
    ['SANDBOX_DRIVER', 'podman', 'one of local, docker, not "podman"'],
    ['LOG_LEVEL', 'loud', 'one of fatal, error, warn, info, debug, trace, silent, not "loud"'],
    ['AUDIT_ACCESS_DAYS', '0', 'a whole number of days from 1 to 99999, not "0"'],
    ['RETENTION_INTERVAL', '1h', 'an ISO 8601 duration'],
    ['RETENTION_INTERVAL', 'PT', 'an ISO 8601 duration'],
    ['RETENTION_INTERVAL', 'P1DT', 'an ISO 8601 duration'],
    ['RETENTION_INTERVAL', 'P1M', 'an ISO 8601 duration'],
    ['RETENTION_INTERVAL', 'P25D', 'an ISO 8601 duration'],
    ['WEBHOOKS_ALLOW_PRIVATE', 'yes', 'one of true, false, not "yes"'],
    ['ARCHIVE_URL', 'file://var/archive', 'an absolute path behind file://'],
    ['ARCHIVE_URL', 's3:///archive', 'a bucket behind s3://'],
    ['ARCHIVE_URL', 'ftp://somewhere', 'a URL that starts with file:// or s3://'],
  ])('%s=%s is refused in a sentence that names it', (name, value, allowed) => {
    expect(() => readSettings({ [name]: value })).toThrow(`${name} must be ${allowed}`);
  });

  test.each(['DATABASE_URL', 'BOOTSTRAP_API_KEY'])(
    'a wrong %s is not repeated: it may be a secret',
    (name) => {
      expect(() => readSettings({ [name]: 'top secret' })).toThrow(/^(?!.*top secret)/);
    },
  );
});
