import type { JsonObject } from '#eventsourcing';
import type { LogLine, LogStream } from './log.events.js';
import { type Fault, isObject, pointerTo } from '#http';
import { utcMilliseconds } from './rfc3339.js';

export const maxEntries = 1_000;
const messageBytes = 1024 * 1024;
const attributesBytes = 64 * 1024;
const bytesPerCharacter = 3;
export const levelForm = /^[A-Za-z0-9_.-]{1,32}$/;
/** More faults than these tell nobody anything new. */
const maxFaults = 100;

/**
 * Checks entries and makes lines of them in one pass, for this is done a hundred thousand times a second.
 * `ts` defaults to the arrival, `stream` to stdout; null is absent.
 * @param pointer where in the body the entries stand, by RFC 6901
 * @param faults collects what is wrong; the lines are good only when it stays empty
 */
export function logLines(entries: unknown, pointer: string, arrival: string, faults: Fault[]): LogLine[] {
  if (!Array.isArray(entries)) {
    faults.push({ pointer, detail: 'must be a list of entries' });
    return [];
  }
  if (entries.length === 0 || entries.length > maxEntries) {
    faults.push({ pointer, detail: `must have 1 to ${maxEntries} entries, not ${entries.length}` });
    return [];
  }
  const lines: LogLine[] = [];
  for (let n = 0; n < entries.length && faults.length < maxFaults; n++) {
    const entry: unknown = entries[n];
    if (isObject(entry)) lines.push(logLine(entry, pointer, n, arrival, faults));
    else faults.push({ pointer: pointerTo(pointer, n), detail: 'must be a JSON object' });
  }
  return lines;
}

function logLine(
  entry: Record<string, unknown>,
  pointer: string,
  n: number,
  arrival: string,
  faults: Fault[],
): LogLine {
  const fault = (field: string, detail: string): void => {
    faults.push({ pointer: pointerTo(pointerTo(pointer, n), field), detail });
  };
  let ts = arrival;
  let stream: LogStream = 'stdout';
  let level: string | undefined;
  let message: string | undefined;
  let attributes: JsonObject | undefined;
  for (const field in entry) {
    const value = entry[field];
    if (field === 'message') {
      if (typeof value !== 'string') fault('message', 'must be a string');
      else {
        message = value;
        if (value.includes('\0')) fault('message', 'must not hold the character U+0000');
        if (longerThan(value, messageBytes))
          fault('message', `must be at most ${messageBytes} bytes (1 MiB)`);
      }
    } else if (value === null && optional.has(field)) {
      continue;
    } else if (field === 'ts') {
      const time = typeof value === 'string' ? utcMilliseconds(value) : undefined;
      if (time === undefined) fault('ts', 'must be a time by RFC 3339, such as 2026-01-02T03:04:05.678Z');
      else ts = time;
    } else if (field === 'stream') {
      if (value === 'stdout' || value === 'stderr' || value === 'event') stream = value;
      else fault('stream', 'must be one of stdout, stderr, event');
    } else if (field === 'level') {
      if (typeof value === 'string' && levelForm.test(value)) level = value;
      else fault('level', 'must be 1 to 32 letters, digits, "_", "." or "-"');
    } else if (field === 'attributes') {
      const wrong = attributesFault(value);
      if (wrong === undefined) attributes = value as JsonObject;
      else fault('attributes', wrong);
    } else {
      fault(field, `${field} is not known here`);
    }
  }
  if (message === undefined && !('message' in entry)) fault('message', 'is missing');
  return line(ts, stream, level, message ?? '', attributes);
}

const optional = new Set(['ts', 'stream', 'level', 'attributes']);

/** A line with only the fields it has, always in this order, so that equal lines are equal JSON. */
function line(
  ts: string,
  stream: LogStream,
  level: string | undefined,
  message: string,
  attributes: JsonObject | undefined,
): LogLine {
  if (attributes !== undefined) {
    return level === undefined
      ? { ts, stream, message, attributes }
      : { ts, stream, level, message, attributes };
  }
  return level === undefined ? { ts, stream, message } : { ts, stream, level, message };
}

function attributesFault(value: unknown): string | undefined {
  if (!isObject(value)) return 'must be a JSON object';
  if (longerThan(JSON.stringify(value), attributesBytes))
    return `must be at most ${attributesBytes} bytes (64 KiB)`;
  return undefined;
}

/** Counts the bytes only of texts that may be too long. */
const longerThan = (text: string, bytes: number): boolean =>
  text.length * bytesPerCharacter > bytes && Buffer.byteLength(text) > bytes;
