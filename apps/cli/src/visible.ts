const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text in which nothing commands a terminal or hides: control characters and those that turn the direction of
 * writing around stand as JSON escapes them. JSON stays the same JSON.
 * @param plain characters that are let through all the same
 */
export const visible = (text: string, plain = ''): string =>
  text.replace(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, (character) =>
    plain.includes(character)
      ? character
      : (short[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`),
  );
