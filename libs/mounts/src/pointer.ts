const mostCharacters = 2_048;

/** Whether a value is an absolute URI that can be shown to whoever sees the session: it holds no credentials. */
export function isPointer(value: unknown): boolean {
  if (typeof value !== 'string' || value.length > mostCharacters) return false;
  // What the parser of URLs would leave out or mend is refused: the pointer is kept as it is.
  if (!/^[a-z][a-z0-9+.-]*:[!-~\u{a0}-\u{10ffff}]+$/iu.test(value) || !URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username === '' && password === '';
}
