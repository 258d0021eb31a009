import { stripVTControlCharacters } from 'node:util';

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const NOTHING = '·';
/** Characters that end a line, move the cursor, or change the text direction. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** Makes text from users safe for one line of a terminal: it cannot overwrite other text or change colours. */
export function plain(text: string): string {
  return visible(text).trim();
}

/** Like {@link plain}, but keeps outer spaces. */
export function visible(text: string): string {
  return stripVTControlCharacters(text.toWellFormed()).replace(INVISIBLE, ' ');
}

/** Truncates text that does not fit. */
export function fitted(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** One block per number, with a height relative to the largest. If there are too many numbers, several share a block. */
export function sparkline(numbers: readonly number[], width: number): string {
  const share = Math.max(1, Math.ceil(numbers.length / Math.max(1, width)));
  const sums: number[] = [];
  for (let first = 0; first < numbers.length; first += share)
    sums.push(numbers.slice(first, first + share).reduce((sum, number) => sum + number, 0));
  const most = Math.max(...sums);
  return sums
    .map((sum) => (sum === 0 ? NOTHING : BLOCKS[Math.ceil((sum / most) * BLOCKS.length) - 1]))
    .join('');
}

/** A bar with a length relative to the largest number. */
export function bar(number: number, most: number, width: number): string {
  return number === 0 ? '' : '█'.repeat(Math.max(1, Math.round((number / most) * width)));
}

export interface Column {
  readonly align?: 'right';
  /** Maximum width. */
  readonly width?: number;
}

/** Lines with aligned cells. */
export function table(rows: readonly (readonly string[])[], columns: readonly Column[]): string[] {
  const widths = columns.map(({ width = Infinity }, index) =>
    Math.min(width, Math.max(0, ...rows.map((row) => [...(row[index] ?? '')].length))),
  );
  return rows.map((row) =>
    columns
      .map(({ align }, index) => {
        const width = widths[index] ?? 0;
        const cell = fitted(row[index] ?? '', width);
        const padding = ' '.repeat(Math.max(0, width - [...cell].length));
        return align === 'right' ? padding + cell : cell + padding;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Breaks the text between words into lines of at most `width` characters. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Text styles; plain text without colours. */
export class Style {
  constructor(private readonly hasColors: boolean) {}

  title(text: string): string {
    return this.wrap(1, text);
  }

  quiet(text: string): string {
    return this.wrap(2, text);
  }

  private wrap(code: number, text: string): string {
    return this.hasColors ? `\u001B[${code}m${text}\u001B[0m` : text;
  }
}
