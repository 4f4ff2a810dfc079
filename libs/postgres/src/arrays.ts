type Scalar = string | number | boolean | null | undefined;

/** What makes the text of an element ambiguous between the braces of an array, unless it is empty or a null. */
const ambiguous = /["\\{},\s]/;

const element = (value: Scalar): string => {
  if (value === null || value === undefined) return 'NULL';
  if (typeof value !== 'string') return String(value);
  const bare = value !== '' && !ambiguous.test(value) && !(value.length === 4 && /null/i.test(value));
  return bare ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
};

/**
 * A column of values as the parameter of an array of whatever type. The driver's own arrays quote and
 * escape every element; of the ids, times and words that come in bulk hardly any needs it.
 */
export const arrayOf = (values: readonly Scalar[]): string => `{${values.map(element).join(',')}}`;

/**
 * Long texts as a parameter of type `text[]`: in the binary format of arrays (Postgres, `array_recv` in
 * arrayfuncs.c), so that nothing is quoted here, and nothing cut apart there. What is null becomes NULL.
 */
export const textArray = (texts: readonly (string | null)[]): Buffer => binaryArray(25, texts);

/** The same of JSON texts, as a parameter of type `json[]`. */
export const jsonArray = (texts: readonly (string | null)[]): Buffer => binaryArray(114, texts);

const headerBytes = 20;
const lengthBytes = 4;

/** @param type of the elements: its number in pg_type */
function binaryArray(type: number, texts: readonly (string | null)[]): Buffer {
  const sizeOf = (text: string | null): number => lengthBytes + (text === null ? 0 : Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(texts.reduce((sum, text) => sum + sizeOf(text), headerBytes));
  // Dimensions, whether there are NULLs, the type; of the one dimension its length and its first index.
  let end = 0;
  for (const word of [1, Number(texts.includes(null)), type, texts.length, 1])
    end = bytes.writeInt32BE(word, end);
  for (const text of texts) {
    const length = text === null ? -1 : bytes.write(text, end + lengthBytes);
    bytes.writeInt32BE(length, end);
    end += lengthBytes + Math.max(0, length);
  }
  return bytes;
}
