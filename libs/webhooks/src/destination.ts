import { isIP } from 'node:net';
import { isPublic } from './addresses.js';

const mostCharacters = 2_048;

/** A URL as a text that fits; undefined when it is none that a webhook can have. */
export function parsedUrl(text: unknown): URL | undefined {
  if (typeof text !== 'string' || text.length > mostCharacters || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const plain = url.username === '' && url.password === '' && url.hash === '';
  return plain && /^https?:$/.test(url.protocol) && /^https?:\/\//i.test(text) ? url : undefined;
}

/** The host of a URL as a resolver or socket takes it: an IPv6 address without its brackets. */
export const hostOf = (url: URL): string => url.hostname.replace(/^\[|\]$/g, '');

/** Whether the URL itself says that its host is not on the public Internet. The parser has made `0x7f.1` an address. */
export function namesPrivateHost(url: URL): boolean {
  const host = hostOf(url);
  return isIP(host) === 0 ? /^(.*\.)?localhost\.?$/.test(host) : !isPublic(host);
}
