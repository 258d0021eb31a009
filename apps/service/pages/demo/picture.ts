import { setText, svg } from '../dom.js';
import { apart, badge, BAR, bar, gracePattern, markShapes } from './picture-marks.js';
import { describe, type Generation, type Story } from './story.js';

const ROWS = 6;
const ROW = 38;
const GUTTER = 44;
const TOP = 12;
const AXIS = 26;
const HEIGHT = TOP + ROWS * ROW + AXIS;
/** Space after the present, for what is to come. */
const AHEAD_MS = 5000;
const EASING_MS = 160;
/** What is left of the picture when the session has ended. */
const AFTERMATH_MS = 4000;

/** The session's generations as a staircase in time: one row each, its grace period after it, marks where something happened. */
export class Picture {
  private readonly title = svg(
    'title',
    { id: 'picture-name' },
    'The session’s generations over the last minute',
  );
  private readonly description = svg('desc', { id: 'picture-words' });
  private readonly layer = svg('g');
  private readonly root = svg(
    'svg',
    { role: 'img', 'aria-labelledby': 'picture-name picture-words', height: HEIGHT, class: 'staircase' },
    this.title,
    this.description,
    svg('defs', {}, gracePattern()),
    this.layer,
  );
  private width = 320;
  private story: Story | null = null;
  /** Rows that have left at the top; eased, so that the staircase climbs. */
  private climbed = 0;
  private drawnAt = 0;

  constructor(canvas: HTMLElement) {
    canvas.append(this.root);
    new ResizeObserver(([entry]) => {
      this.width = Math.max(240, Math.floor(entry?.contentRect.width ?? 320));
      this.root.setAttribute('viewBox', `0 0 ${this.width} ${HEIGHT}`);
    }).observe(canvas);
  }

  show(story: Story): void {
    this.story = story;
    setText(this.description, describe(story));
  }

  /** @param now by the server's clock */
  draw(now: number): void {
    const { story } = this;
    if (!story) return;
    const { generations, marks, endedAt } = story;
    const presentAt = endedAt === null ? now : Math.min(now, endedAt + AFTERMATH_MS);
    const last = generations.at(-1)?.number ?? 0;
    this.climb(Math.max(0, last - ROWS + 1));
    const scale = this.scale(presentAt);
    const y = (number: number) => TOP + (number - this.climbed) * ROW + ROW / 2;
    const isShown = (number: number) => number > this.climbed - 1 && number < this.climbed + ROWS;
    const visible = generations.filter(({ number }) => isShown(number));
    this.layer.replaceChildren(
      ...this.axis(endedAt ?? presentAt, endedAt === null ? 'now' : 'end', scale),
      ...visible.flatMap((generation) => this.row(generation, story, presentAt, scale, y(generation.number))),
      ...(endedAt === null ? [] : [this.end(scale(endedAt), story.wasTheft)]),
      ...(endedAt === null ? [nowLine(scale(presentAt))] : []),
      ...confirmations(visible, scale, y),
      ...apart(
        marks.filter(({ generation, at }) => isShown(generation) && scale(at) > GUTTER + 6),
        scale,
      ).flatMap((mark) => markShapes(mark, scale(mark.at), y)),
    );
  }

  private climb(target: number): void {
    const now = performance.now();
    const isStill = matchMedia('(prefers-reduced-motion: reduce)').matches || now - this.drawnAt > 1000;
    const share = isStill ? 1 : 1 - Math.exp(-(now - this.drawnAt) / EASING_MS);
    this.climbed =
      Math.abs(target - this.climbed) < 0.01 ? target : this.climbed + (target - this.climbed) * share;
    this.drawnAt = now;
  }

  /** Time to x; a wide picture holds more of it. */
  private scale(presentAt: number): (time: number) => number {
    const span = this.width < 480 ? 50_000 : 80_000;
    const from = presentAt + AHEAD_MS - span;
    return (time) => GUTTER + ((time - from) / span) * (this.width - GUTTER);
  }

  private axis(zeroAt: number, zero: string, scale: (time: number) => number): SVGElement[] {
    const step = this.width < 480 ? 20 : 10;
    const shapes: SVGElement[] = [];
    for (let seconds = 0; scale(zeroAt - seconds * 1000) > GUTTER; seconds += step) {
      const x = scale(zeroAt - seconds * 1000);
      const label = seconds === 0 ? zero : `−${seconds} s`;
      shapes.push(
        svg('line', { class: 'grid', x1: x, x2: x, y1: TOP, y2: HEIGHT - AXIS }),
        svg('text', { class: 'tick', x, y: HEIGHT - 6, 'text-anchor': 'middle' }, label),
      );
    }
    return shapes;
  }

  private row(
    { number, begins, ends, caller }: Generation,
    { gracePeriodMs, endedAt }: Story,
    presentAt: number,
    scale: (time: number) => number,
    y: number,
  ): SVGElement[] {
    const until = Math.min(ends ?? presentAt, endedAt ?? Infinity);
    const graceEnds = ends === null ? until : Math.min(ends + gracePeriodMs, endedAt ?? Infinity);
    const isCurrent = ends === null && endedAt === null;
    const shapes: SVGElement[] = [
      svg(
        'text',
        { class: isCurrent ? 'label current' : 'label', x: 4, y: caller === null ? y + 4 : y - 1 },
        `#${number}`,
      ),
      svg('text', { class: 'caller', x: 4, y: y + 11 }, caller ?? ''),
      svg('line', { class: 'rail', x1: GUTTER, x2: this.width, y1: y, y2: y }),
    ];
    const stretch = (name: string, from: number, to: number): void => {
      const end = scale(Math.min(to, presentAt + AHEAD_MS));
      if (to > from && end > GUTTER) shapes.push(bar(name, Math.max(GUTTER, scale(from)), end, y));
    };
    stretch('grace', until, graceEnds);
    stretch(isCurrent ? 'life current' : 'life', begins, Math.max(until, begins + 1));
    return shapes.map((shape) => faded(shape, y));
  }

  private end(x: number, wasTheft: boolean): SVGElement {
    return svg(
      'g',
      { class: wasTheft ? 'end theft' : 'end' },
      svg('rect', { x, y: TOP, width: Math.max(0, this.width - x), height: HEIGHT - TOP - AXIS }),
      svg('line', { x1: x, x2: x, y1: TOP, y2: HEIGHT - AXIS }),
    );
  }
}

function confirmations(
  generations: readonly Generation[],
  scale: (time: number) => number,
  y: (number: number) => number,
): SVGElement[] {
  return generations.flatMap(({ number, begins, confirmedAt }) => {
    // At the beginning of its bar, which it follows by a few milliseconds.
    const x = Math.max(scale(confirmedAt ?? 0), scale(begins)) + BAR / 2;
    return confirmedAt !== null && x > GUTTER + 8 ? [badge('confirmed', x, y(number))] : [];
  });
}

function nowLine(x: number): SVGElement {
  return svg('line', { class: 'now', x1: x, x2: x, y1: TOP, y2: HEIGHT - AXIS + 4 });
}

/** A row that is leaving at the top. */
function faded(shape: SVGElement, y: number): SVGElement {
  const left = (y - TOP) / (ROW / 2);
  if (left < 1) shape.setAttribute('opacity', String(Math.max(0, left)));
  return shape;
}
