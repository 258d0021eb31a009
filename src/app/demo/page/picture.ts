import { type Attributes, setText, svg } from './dom.js';
import { describe, type Generation, type Mark, type Story } from './story.js';

const ROWS = 6;
const ROW = 38;
const BAR = 14;
const GUTTER = 44;
const TOP = 12;
const AXIS = 26;
const HEIGHT = TOP + ROWS * ROW + AXIS;
/** Space after the present, for what is to come. */
const AHEAD_MS = 5000;
const EASING_MS = 160;
/** What is left of the picture when the session has ended. */
const AFTERMATH_MS = 4000;

/** Marks differ in shape, not in colour alone. */
const GLYPHS: Readonly<Record<Mark['kind'] | 'confirmed', string>> = {
  confirmed: 'M-3 0 L-1 2.2 L3.2 -2.4',
  replayed: 'M3.6 -2 A4.2 4.2 0 1 0 4 1.6 M4.4 -4.6 V-1.6 H1.4',
  recovered: 'M0 4 V-3.6 M-3.2 -0.6 L0 -4 L3.2 -0.6',
  response_lost: 'M-3 3 L3 -3',
  stolen:
    'M-4.4 0 C-2.4 -3.4 2.4 -3.4 4.4 0 C2.4 3.4 -2.4 3.4 -4.4 0 M-0.9 0 A0.9 0.9 0 1 0 0.9 0 A0.9 0.9 0 1 0 -0.9 0',
  reuse_detected: 'M-3.2 -3.2 L3.2 3.2 M3.2 -3.2 L-3.2 3.2',
};

const LEGEND: readonly (readonly [keyof typeof GLYPHS | 'current' | 'grace', string])[] = [
  ['current', 'current token'],
  ['grace', 'grace period'],
  ['confirmed', 'its use was seen'],
  ['response_lost', 'answer lost'],
  ['replayed', 'replay'],
  ['recovered', 'recovery'],
  ['stolen', 'stolen'],
  ['reuse_detected', 'theft'],
];

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
      ...(endedAt === null ? [] : [this.end(scale(endedAt))]),
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
      svg('text', { class: isCurrent ? 'label current' : 'label', x: 4, y: y + 4 }, `#${number}`),
      svg('line', { class: 'rail', x1: GUTTER, x2: this.width, y1: y, y2: y }),
    ];
    if (graceEnds > until)
      shapes.push(bar('grace', scale(until), scale(Math.min(graceEnds, presentAt + AHEAD_MS)), y));
    shapes.push(bar(isCurrent ? 'life current' : 'life', scale(begins), scale(until), y));
    const from = Math.max(scale(begins), GUTTER) + 18;
    if (caller !== null && scale(until) - from > caller.length * 6 + 8)
      shapes.push(svg('text', { class: 'caller', x: from, y: y + 4 }, caller));
    return shapes.map((shape) => faded(shape, y));
  }

  private end(x: number): SVGElement {
    return svg(
      'g',
      { class: 'end' },
      svg('rect', { x, y: TOP, width: Math.max(0, this.width - x), height: HEIGHT - TOP - AXIS }),
      svg('line', { x1: x, x2: x, y1: TOP, y2: HEIGHT - AXIS }),
    );
  }
}

/** What each shape means. */
export function legend(): HTMLLIElement[] {
  return LEGEND.map(([kind, meaning]) => {
    const item = document.createElement('li');
    const sample = svg('svg', { viewBox: '-9 -9 18 18', width: 18, height: 18, 'aria-hidden': true });
    if (kind === 'current' || kind === 'grace')
      sample.append(bar(kind === 'current' ? 'life current' : 'grace', -9, 9, 0));
    else sample.append(badge(kind, 0, 0));
    item.append(sample, meaning);
    return item;
  });
}

function bar(name: string, from: number, to: number, y: number): SVGElement {
  const x = Math.max(from, -20);
  return svg('rect', { class: name, x, y: y - BAR / 2, width: Math.max(2, to - x), height: BAR, rx: 4 });
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

/** Of like marks that would cover each other, the first: the list tells them all. */
function apart(marks: readonly Mark[], scale: (time: number) => number): Mark[] {
  return marks.filter((mark, index) => {
    const before = marks
      .slice(0, index)
      .findLast(
        ({ kind, generation, isThief }) =>
          kind === mark.kind && generation === mark.generation && isThief === mark.isThief,
      );
    return !before || scale(mark.at) - scale(before.at) > 16;
  });
}

/** A replay and a recovery lead down to the current token. */
function markShapes(mark: Mark, x: number, y: (number: number) => number): SVGElement[] {
  const { kind, generation, leadsTo, isThief } = mark;
  const name = isThief ? `${kind} thief` : kind;
  const shapes: SVGElement[] = [];
  if (leadsTo !== null && leadsTo !== generation) {
    const [from, to] = [y(generation) + 8, y(leadsTo) - BAR / 2 - 2];
    shapes.push(
      svg('path', {
        class: `lead ${name}`,
        d: `M${x} ${from} V${to} M${x - 3} ${to - 4} L${x} ${to} L${x + 3} ${to - 4}`,
      }),
    );
  }
  shapes.push(badge(kind, x, y(generation), isThief));
  return shapes;
}

function badge(kind: keyof typeof GLYPHS, x: number, y: number, isThief = false): SVGElement {
  const attributes: Attributes = {
    class: `badge ${kind}${isThief ? ' thief' : ''}`,
    transform: `translate(${x} ${y})`,
  };
  return svg('g', attributes, svg('circle', { r: 8 }), svg('path', { d: GLYPHS[kind] }));
}

/** A row that is leaving at the top. */
function faded(shape: SVGElement, y: number): SVGElement {
  const left = (y - TOP) / (ROW / 2);
  if (left < 1) shape.setAttribute('opacity', String(Math.max(0, left)));
  return shape;
}

function gracePattern(): SVGPatternElement {
  return svg(
    'pattern',
    {
      id: 'grace-stripes',
      width: 6,
      height: 6,
      patternUnits: 'userSpaceOnUse',
      patternTransform: 'rotate(45)',
    },
    svg('rect', { class: 'stripe', width: 2.5, height: 6 }),
  );
}
