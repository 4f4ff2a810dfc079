/** The media ranges that an Accept header names, and how much each is wanted, 0 to 1 (RFC 9110, section 12.5.1). */
export const rangesOf = (accept = ''): { readonly type: string; readonly quality: number }[] =>
  accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const q = parameters.find((parameter) => parameter.startsWith('q='));
    return { type, quality: Number(q?.slice(2) ?? 1) };
  });
