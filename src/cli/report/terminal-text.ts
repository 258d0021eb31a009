import { stripVTControlCharacters } from 'node:util';

const BLOCKS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const NOTHING = '·';
/** What ends a line, moves the cursor, or turns the direction of reading round. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu;

/** What somebody typed, on one line of a terminal: it cannot write over what stands there, nor change its colours. */
export function plain(text: string): string {
  return visible(text).trim();
}

/** The same, with the spaces around it. */
export function visible(text: string): string {
  return stripVTControlCharacters(text.toWellFormed()).replace(INVISIBLE, ' ');
}

/** Cut where it does not fit. */
export function fitted(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width ? text : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** One block for each number, as high as it is among them. Where there are too many, some days share a block. */
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

/** As long as the number is among others. */
export function bar(number: number, most: number, width: number): string {
  return number === 0 ? '' : '█'.repeat(Math.max(1, Math.round((number / most) * width)));
}

export interface Column {
  readonly align?: 'right';
  /** At most. */
  readonly width?: number;
}

/** Lines of cells, one below the other. */
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

/** In lines of so many characters, broken between words. */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

/** Colours where there are any. */
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
