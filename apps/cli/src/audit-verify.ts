import { type Verification, verifyExport } from '#evidence';
import { type OfflineAction, parseOptions, positionals } from './command.js';
import { CliError, exitCode } from './errors.js';

export const verifyAudit = (args: readonly string[]): OfflineAction => {
  const { values, positionals: rest } = parseOptions(args, {
    key: { type: 'string', multiple: true },
    json: { type: 'boolean', default: false },
  });
  const [dir] = positionals(rest, 'dir');
  return {
    offline: async ({ out }) => {
      const verification = await verified(dir, values.key);
      await out.write(values.json ? `${JSON.stringify(verification)}\n` : report(verification, values.key));
      return verification.findings.length === 0 ? exitCode.ok : exitCode.notVerified;
    },
  };
};

async function verified(dir: string, keys: readonly string[] | undefined): Promise<Verification> {
  try {
    return await verifyExport(dir, keys);
  } catch (error) {
    throw new CliError(`${dir} cannot be read: ${(error as Error).message}`, exitCode.usage);
  }
}

function report({ findings, ...counts }: Verification, keys: readonly string[] | undefined): string {
  const { manifest, events, withheld, checkpoints } = counts;
  if (findings.length > 0) return findings.map(({ what, where }) => `${what}: ${where}\n`).join('');
  const whole = `${events} events and ${withheld} withheld ones are as they were stored; ${checkpoints} checkpoints hold.\n`;
  if (keys !== undefined) return whole;
  const ids = Object.keys(manifest?.keys ?? {}).join(', ');
  return `${whole}Compare the key with one you trust, or name it with --key: ${ids}\n`;
}
