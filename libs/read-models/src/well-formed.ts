/** Text as Postgres keeps it: what JSON may hold but Unicode has not, a lone surrogate, is U+FFFD. */
export const wellFormed = (text: string): string => Buffer.from(text).toString();
