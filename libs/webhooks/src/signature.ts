import { createHmac, randomBytes } from 'node:crypto';

const prefix = 'whsec_';
const base64 = /^[A-Za-z0-9+/]+={0,2}$/;
const [fewest, most] = [24, 64];

/** A secret of 256 random bits, in the form of Standard Webhooks. */
export const mintSecret = (): string => prefix + randomBytes(32).toString('base64');

/** Whether a text is `whsec_` and the base64 of 24 to 64 bytes. */
export function isSecret(value: unknown): value is string {
  if (typeof value !== 'string' || !value.startsWith(prefix)) return false;
  const text = value.slice(prefix.length);
  const bytes = Buffer.from(text, 'base64');
  return (
    base64.test(text) && bytes.toString('base64') === text && bytes.length >= fewest && bytes.length <= most
  );
}

/** The last characters of a secret, by which a person knows it again. */
export const hintOf = (secret: string): string => `...${secret.slice(-4)}`;

/**
 * The header `Webhook-Signature` by Standard Webhooks: for each secret a space-separated
 * `v1,<base64 of HMAC-SHA256>` of `<id>.<timestamp>.<body>`.
 * @param timestamp in seconds since 1970
 */
export const signatureOf = (
  secrets: readonly string[],
  id: string,
  timestamp: number,
  body: string,
): string =>
  secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice(prefix.length), 'base64');
      return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
    })
    .join(' ');
