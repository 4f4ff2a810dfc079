import { readFile, stat } from 'node:fs/promises';
import {
  type Finding,
  keyIdOf,
  type ReceiptVerification,
  type Verification,
  verifyExport,
  verifyReceipt,
} from '#evidence';
import { type OfflineAction, parseOptions, positionals } from './command.js';
import { CliError, exitCode } from './errors.js';

export const verifyAudit = (args: readonly string[]): OfflineAction => {
  const { values, positionals: rest } = parseOptions(args, {
    key: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  });
  const [path] = positionals(rest, 'export or receipt');
  const { key: keys, json } = values;
  return {
    offline: async ({ out }) => {
      const { verification, whole, brought } = await verified(path, keys);
      const { findings } = verification;
      const text = findings.length > 0 ? reported(findings) : `${whole}\n${keys ? '' : trusting(brought)}`;
      await out.write(json ? `${JSON.stringify(verification)}\n` : text);
      return findings.length === 0 ? exitCode.ok : exitCode.notVerified;
    },
  };
};

interface Verified {
  readonly verification: Verification | ReceiptVerification;
  /** What to say where nothing is wrong. */
  readonly whole: string;
  /** Ids of the keys that it brings. */
  readonly brought: readonly string[];
}

/** An export is a folder, a receipt a file. */
async function verified(path: string, keys: readonly string[] | undefined): Promise<Verified> {
  try {
    const isExport = (await stat(path)).isDirectory();
    return isExport
      ? ofExport(await verifyExport(path, keys))
      : ofReceipt(await readFile(path, 'utf8'), keys);
  } catch (error) {
    throw new CliError(`${path} cannot be read: ${(error as Error).message}`, exitCode.usage);
  }
}

function ofExport(verification: Verification): Verified {
  const { manifest, events, withheld, checkpoints } = verification;
  const whole = `${events} events and ${withheld} withheld ones are as they were stored; ${checkpoints} checkpoints hold.`;
  return { verification, whole, brought: Object.keys(manifest?.keys ?? {}) };
}

function ofReceipt(text: string, keys: readonly string[] | undefined): Verified {
  const verification = verifyReceipt(text, keys);
  const { receipt, findings } = verification;
  if (receipt === undefined || findings.length > 0) return { verification, whole: '', brought: [] };
  const { type, stream, revision, metadata } = JSON.parse(receipt.line) as ReceivedEvent;
  const event = `${type} (${stream} revision ${revision}), by ${metadata.actor} at ${metadata.at}`;
  const whole = `${event}, is as it was stored; it was signed at ${receipt.checkpoint.at}.`;
  return { verification, whole, brought: [keyIdOf(receipt.public_key)] };
}

interface ReceivedEvent {
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly metadata: { readonly actor: string; readonly at: string };
}

const reported = (findings: readonly Finding[]): string =>
  findings.map(({ what, where }) => `${what}: ${where}\n`).join('');

const trusting = (ids: readonly string[]): string =>
  `Compare the key with one you trust, or name it with --key: ${ids.join(', ')}\n`;
