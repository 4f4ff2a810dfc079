/** What a number must hold to be worth reading: 16 digits in a row, or an exponent of three. */
const suspicious = /\d{16}|\d[eE]\+?\d{3}/;

/**
 * The first number in valid JSON text that JavaScript would not keep as it stands: an integer that a
 * double rounds (RFC 8259 section 6 and RFC 7493 section 2.2 warn of those beyond 2^53 - 1), or one so
 * large that it would become null. Fractions are rounded, as everywhere.
 */
export function lossyNumber(text: string): string | undefined {
  if (!suspicious.test(text)) return undefined;
  const stringOrNumber = /"|-?\d[\d.eE+-]*/g;
  for (let match = stringOrNumber.exec(text); match !== null; match = stringOrNumber.exec(text)) {
    const [token] = match;
    if (token === '"') stringOrNumber.lastIndex = endOfString(text, match.index);
    else if (isLossy(token)) return token;
  }
  return undefined;
}

function isLossy(token: string): boolean {
  const number = Number(token);
  if (!Number.isFinite(number)) return true;
  return /^-?\d{16,}$/.test(token) && BigInt(number) !== BigInt(token);
}

/** Where the string that begins at `start` is over: behind the first quote with an even number of backslashes before it. */
function endOfString(text: string, start: number): number {
  for (let quote = text.indexOf('"', start + 1); ; quote = text.indexOf('"', quote + 1)) {
    let first = quote;
    while (text[first - 1] === '\\') first--;
    if ((quote - first) % 2 === 0) return quote + 1;
  }
}
