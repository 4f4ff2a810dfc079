import { type OfflineAction, parseOptions, positionals } from './command.js';
import { CliError, exitCode } from './errors.js';

export const importAudit = (args: readonly string[]): OfflineAction => {
  const [dir] = positionals(parseOptions(args, {}).positionals, 'dir');
  return {
    offline: async ({ env, err }) => {
      // The server's own parts are loaded only where they are needed.
      const { importInto } = await import('../../server/src/import-audit.js');
      const { refusal, stored, found } = await importInto(dir, env);
      if (refusal !== undefined) throw new CliError(refusal, exitCode.refused);
      await err.write(`${stored} events were imported, ${found} were there already\n`);
      return exitCode.ok;
    },
  };
};
