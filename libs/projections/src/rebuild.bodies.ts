import { IsOptional } from 'class-validator';
import { IsEnumWord } from '#http';

export const rebuildModes = ['rebuild', 'verify'] as const;

export class RequestRebuildBody {
  /** `verify` builds the same, compares it row by row with what serves, and throws it away. */
  @IsOptional()
  @IsEnumWord(rebuildModes)
  mode: (typeof rebuildModes)[number] = 'rebuild';
}
