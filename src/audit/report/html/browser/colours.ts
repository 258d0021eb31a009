/** What a chart is drawn in: the colours that the style gives its neighbours, so that both schemes are in one place. */
export interface Colours {
  /** The series, by the tone that their entry in the legend has. */
  readonly tones: ReadonlyMap<string, string>;
  readonly axis: string;
  readonly line: string;
  readonly ground: string;
}

export function coloursOf(canvas: HTMLCanvasElement): Colours {
  const plot = canvas.parentElement ?? canvas;
  const figure = canvas.closest('figure') ?? plot;
  const { color: axis, borderTopColor: line } = getComputedStyle(plot);
  const tones = new Map<string, string>();
  for (const entry of figure.querySelectorAll<HTMLElement>('[data-tone]'))
    tones.set(entry.dataset.tone ?? '', getComputedStyle(entry.querySelector('.swatch') ?? entry).color);
  return { tones, axis, line, ground: getComputedStyle(figure).backgroundColor };
}
