import type { Fact } from '#eventsourcing';

/** What is sealed for this process can be read with this key (32 bytes, base64), as long as the stream is there. */
export type ProcessKeyMade = Fact<'ProcessKeyMade', { readonly key: string }>;

/** What a key of a process is for: the values of its environment, or its standard input. */
export type KeyUse = 'env' | 'input';

/** The stream that holds a key of a process until that has served its purpose. */
export const processKeyStream = (use: KeyUse, processId: string): string =>
  `${use === 'env' ? 'processEnvKey' : 'processInputKey'}-${processId}`;
