/** The input as text in each way that text reaches the library: bodies, headers, and with lone surrogates. */
export function textsOf(data: Buffer): string[] {
  return [data.toString('utf8'), data.toString('latin1'), data.toString('utf16le')];
}

/** The first line of an input, and the rest. */
export function splitLine(text: string): [first: string, rest: string] {
  const end = text.indexOf('\n');
  return end < 0 ? [text, ''] : [text.slice(0, end), text.slice(end + 1)];
}
