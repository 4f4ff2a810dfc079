/** A text that is shorter is compressed in no time, in characters. */
const short = 32 * 1024;
/** So many characters are compressed in one commit, at most. */
const most = 512 * 1024;
/** Of how many characters it is asked whether they and the three behind them came before. */
const sampled = 1_024;
/** Which share of them makes a text worth being compressed. */
const worthIt = 0.1;
/** Where it is kept what came before: so many places that two seldom meet. */
const places = 1 << 16;
const lastSeen = new Uint32Array(places);
let texts = 0;
/** Spreads numbers evenly over the upper half of its product: Knuth's multiplicative hashing. */
const golden = 0x9e3779b1;

/**
 * Whether a text is long and hardly repeats itself: binary output as base64, something sealed. Postgres would try
 * to compress it all the same, for longer than all else takes that becomes of it.
 */
export function isBulk(text: string): boolean {
  if (text.length < short) return false;
  const start = text.length >> 1;
  const now = ++texts;
  let news = 0;
  // Four characters are one number, of seven bits each: base64 has no others, and text hardly any.
  let four = 0;
  for (let n = start - 3; n < start + sampled; n++) {
    four = ((four << 7) ^ text.charCodeAt(n)) & 0xfffffff;
    const place = Math.imul(four, golden) >>> 16;
    if (n < start || lastSeen[place] === now) continue;
    lastSeen[place] = now;
    news++;
  }
  return news > (1 - worthIt) * sampled;
}

/**
 * Which of the texts that are stored together are kept as they are. Where so many come at once, all that are long:
 * to compress them would hold up what is behind them, and who writes it.
 */
export function bulkOf(texts: readonly string[]): boolean[] {
  const pressing = texts.reduce((sum, { length }) => sum + length, 0) >= most;
  return texts.map((text) => (pressing ? text.length >= short : isBulk(text)));
}
