import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { type IncomingMessage, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import { StringDecoder } from 'node:string_decoder';
import { isPublic } from './addresses.js';
import { hostOf } from './destination.js';

/** So much of an answer's body is kept, in bytes. */
const keptBytes = 1_024;
/** How long is waited for them, once the status is known, in milliseconds. */
const bodyPatience = 1_000;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

const refusal = 'the host has an address that is not public, and WEBHOOKS_ALLOW_PRIVATE is not set';

/** Sends to destinations that customers named: follows no redirect, and reaches no private address. */
export class Poster {
  private readonly asking = new Map<string, Promise<LookupAddress[]>>();

  constructor(private readonly allowPrivate: boolean) {}

  /**
   * Rejects when no answer came before the signal was aborted, or the host has an address that is refused.
   * An answer counts from its head on: a body that does not end takes nothing away from it.
   */
  async post(
    to: string,
    body: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<Answer> {
    const url = new URL(to);
    const host = hostOf(url);
    // A socket asks nobody for the address of an address.
    if (isIP(host) !== 0) this.allow([{ address: host, family: isIP(host) }]);
    const request = url.protocol === 'https:' ? requestHttps : requestHttp;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const options = { method: 'POST', headers, agent: false as const, lookup: this.lookup, signal };
      request(url, options, resolve).on('error', reject).end(body);
    });
    return { status: response.statusCode ?? 0, body: await beginning(response) };
  }

  /** Resolves at the moment of connecting, and hands on what was checked: no second answer can differ. */
  private readonly lookup: LookupFunction = (hostname, { all }, done) => {
    this.resolve(hostname).then(
      (addresses) => {
        const [first] = addresses;
        if (all === true || first === undefined) done(null, addresses);
        else done(null, first.address, first.family);
      },
      (error: unknown) => {
        done(error as Error, []);
      },
    );
  };

  private async resolve(hostname: string): Promise<LookupAddress[]> {
    // The resolver has few threads: a host whose name servers are silent may hold one of them, not all.
    let asked = this.asking.get(hostname);
    if (asked === undefined) {
      asked = lookup(hostname, { all: true }).finally(() => this.asking.delete(hostname));
      this.asking.set(hostname, asked);
    }
    return this.allow(await asked);
  }

  private allow(addresses: LookupAddress[]): LookupAddress[] {
    if (this.allowPrivate || addresses.every(({ address }) => isPublic(address))) return addresses;
    throw new Error(refusal);
  }
}

async function beginning(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const enough = setTimeout(() => response.destroy(), bodyPatience);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      if ((bytes += chunk.length) >= keptBytes) break;
    }
  } catch {
    // The status is known; what is there of the body will do.
  } finally {
    clearTimeout(enough);
  }
  const text = new StringDecoder('utf8').write(Buffer.concat(chunks).subarray(0, keptBytes));
  // Postgres keeps no U+0000.
  return text.replaceAll('\0', '\ufffd');
}
